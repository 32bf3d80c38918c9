/** Rows for the terminal, each complete as soon as its plan is done: columns have their widths beforehand. */
import { count, percent } from "../perplexity/figures.ts";
import type { SparseRow } from "./types.ts";

const columns: readonly (readonly [title: string, width: number])[] = [
  ["KL", 8],
  ["p99", 8],
  ["same top", 9],
  ["PPL ratio", 9],
  ["density", 8],
  ["recall", 7],
  ["reaches", 16],
  ["read", 9],
  ["faster", 7],
];

/** Lines of a table whose plans have these names. */
export class SparseTable {
  private readonly nameWidth: number;

  constructor(names: readonly string[]) {
    this.nameWidth = Math.max("plan".length, ...names.map(({ length }) => length));
  }

  header(): string {
    return this.line(
      "plan",
      columns.map(([title]) => title),
    );
  }

  row({ name, kl, p99Kl, top1, perplexityRatio, density, recall, seconds, fullSeconds }: SparseRow): string {
    return this.line(name, [
      ...[small(kl), small(p99Kl), percent(top1), perplexityRatio.toFixed(4), percent(density)],
      ...(recall
        ? [recall.median.toFixed(3), `${percent(recall.share)} ≥ ${recall.threshold.toFixed(2)}`]
        : ["–", "–"]),
      ...[`${seconds.toFixed(1)} s`, `${(fullSeconds / seconds).toFixed(2)} ×`],
    ]);
  }

  private line(name: string, cells: readonly string[]): string {
    const padded = cells.map((cell, i) => cell.padStart(columns[i][1]));
    return [name.padEnd(this.nameWidth), ...padded].join("  ");
  }
}

/** What stands above the rows of a length. */
export function sparseHeading({ tokens, compared, fullSeconds }: SparseRow): string {
  const before = tokens - compared;
  return `${count(tokens)} tokens, predictions of the last ${count(compared)} compared; full attention read the ${count(before)} before them in ${fullSeconds.toFixed(1)} s`;
}

export const sparseNotes = [
  "density: pages seen, of those that full attention sees. recall: median share of a query head's attention that falls on them;",
  "reaches: rows that capture the plan's mass (0.9 where it names none) less 0.05. Seconds are of one reading each: on a busy",
  "machine they say little.",
].join("\n");

/** Divergences span many orders of magnitude. */
function small(value: number): string {
  return value !== 0 && value < 1e-4 ? value.toExponential(1) : value.toFixed(4);
}
