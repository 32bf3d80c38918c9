/** What really differs between two runs: paired differences on the same prompts, tested, corrected for being many. */
import { InputError } from "../../runtime/errors.ts";
import { createRandom } from "../random.ts";
import { meanOfEstimates } from "../statistics/mover.ts";
import { groupSums, type Observation } from "../statistics/observation.ts";
import { holm, mcnemar, pairedDifference, signFlip } from "../statistics/paired.ts";
import type { Row } from "../types.ts";
import { bySample, distinct, onlyMode, totalsOf } from "./rows.ts";
import type { ComparedCell, ComparedMacro, Comparison, Difference, LeftOut, Verdict } from "./types.ts";

const significance = 0.05;

interface Pair {
  readonly a: Row;
  readonly b: Row;
}

/**
 * Run b against run a. Only samples with the same prompt in both runs are compared; the others are counted. Runs of
 * different modes, and runs that share no prompt at all, are refused.
 */
export function compareRuns(a: readonly Row[], b: readonly Row[]): Comparison {
  const mode = onlyMode("compare", [a, b].every((rows) => rows.length > 0) ? [...a, ...b] : []);
  const { pairs, leftOut } = pairsOf(a, b);
  const cells = distinct(pairs.map(cellOf)).map((cell) => pairs.filter((pair) => cellOf(pair) === cell));
  const tested = cells.map((pairs) => ({ pairs, ...testCell(pairs) }));
  const macros = distinct(tested.map(macroOf)).map((macro) => tested.filter((cell) => macroOf(cell) === macro));
  return {
    mode,
    paired: pairs.length,
    leftOut,
    cells: judged(tested.map(({ pairs: _, ...cell }) => cell)),
    macros: judged(macros.map(testMacro)),
    a: totalsOf(pairs.map(({ a }) => a)),
    b: totalsOf(pairs.map(({ b }) => b)),
  };
}

/** Cells and means in which b is really worse than a, and by more than so many percentage points. */
export function worse(comparison: Comparison, thresholdPoints: number): (ComparedCell | ComparedMacro)[] {
  return [...comparison.macros, ...comparison.cells].filter(
    ({ verdict, difference }) => verdict === "worse" && 100 * difference < -thresholdPoints - 1e-9,
  );
}

const cellOf = ({ a }: Pair) => `${a.task}/${a.length}`;
const macroOf = ({ family, length }: Untested) => `${family}/${length}`;

function pairsOf(a: readonly Row[], b: readonly Row[]): { pairs: Pair[]; leftOut: LeftOut } {
  const inA = bySample("compare: first run", a);
  const inB = bySample("compare: second run", b);
  const shared = [...inA].flatMap(([id, row]) => {
    const other = inB.get(id);
    return other === undefined ? [] : [{ a: row, b: other }];
  });
  const same = shared.filter(({ a, b }) => a.promptHash === b.promptHash);
  const pairs = same.filter(({ a, b }) => !a.truncated && !b.truncated);
  const leftOut = {
    differentPrompt: shared.length - same.length,
    onlyInA: inA.size - shared.length,
    onlyInB: inB.size - shared.length,
    truncated: same.length - pairs.length,
  };
  if (pairs.length === 0)
    throw new InputError(
      `compare: expected samples with the same prompt in both runs, got none (${leftOut.differentPrompt} have another prompt, ` +
        `${leftOut.onlyInA} are only in the first run, ${leftOut.onlyInB} only in the second, ${leftOut.truncated} were cut). ` +
        "Run both with the same tasks, lengths, seed and haystack, on models with the same tokenizer and chat template.",
      { expected: 1, got: 0 },
    );
  return { pairs: pairs.sort((x, y) => x.a.length - y.a.length), leftOut };
}

type Untested = Omit<Difference, "adjustedP" | "verdict">;

function testCell(pairs: readonly Pair[]): Omit<ComparedCell, "adjustedP" | "verdict"> {
  const { family, task, length } = pairs[0].a;
  const differences = differencesOf(pairs);
  const random = createRandom("compare", task, length);
  const { mean, interval } = pairedDifference(differences, random.fork("interval"));
  const wins = differences.filter(({ value }) => value > 0).length;
  const losses = differences.filter(({ value }) => value < 0).length;
  const binary = pairs.every(({ a, b }) => [a, b].every(({ score }) => score === 0 || score === 1));
  const independent = distinct(differences.map(({ group }) => group)).length === pairs.length;
  const test = binary && independent ? "mcnemar" : "sign-flip";
  return {
    family,
    task,
    length,
    n: pairs.length,
    a: meanScore(pairs.map(({ a }) => a)),
    b: meanScore(pairs.map(({ b }) => b)),
    difference: mean,
    interval,
    p: test === "mcnemar" ? mcnemar(wins, losses) : signFlip(contributions(pairs), random.fork("signs")),
    test,
    wins,
    losses,
  };
}

type TestedCell = ReturnType<typeof testCell> & { readonly pairs: readonly Pair[] };

function testMacro(cells: readonly TestedCell[]): Omit<ComparedMacro, "adjustedP" | "verdict"> {
  const { family, length } = cells[0];
  const mean = (of: (cell: TestedCell) => number) => cells.reduce((sum, cell) => sum + of(cell), 0) / cells.length;
  const { value: difference, interval } = meanOfEstimates(
    cells.map((cell) => ({ value: cell.difference, interval: cell.interval })),
  );
  return {
    family,
    length,
    tasks: cells.length,
    n: cells.reduce((sum, { n }) => sum + n, 0),
    a: mean(({ a }) => a),
    b: mean(({ b }) => b),
    difference,
    interval,
    p: signFlip(
      cells.flatMap(({ pairs }) => contributions(pairs).map((part) => part / cells.length)),
      createRandom("compare", family, length, "macro"),
    ),
  };
}

function differencesOf(pairs: readonly Pair[]): Observation[] {
  return pairs.map(({ a, b }) => ({ value: b.score - a.score, group: a.group }));
}

/** Each group's share of the mean difference. */
function contributions(pairs: readonly Pair[]): number[] {
  return groupSums(differencesOf(pairs)).map(({ sum }) => sum / pairs.length);
}

function meanScore(rows: readonly Row[]): number {
  return rows.reduce((sum, { score }) => sum + score, 0) / rows.length;
}

function judged<T extends Untested>(rows: readonly T[]): (T & Pick<Difference, "adjustedP" | "verdict">)[] {
  const adjusted = holm(rows.map(({ p }) => p));
  return rows.map((row, i) => ({ ...row, adjustedP: adjusted[i], verdict: verdictOf(row.difference, adjusted[i]) }));
}

function verdictOf(difference: number, adjustedP: number): Verdict {
  if (adjustedP >= significance) return "no real difference";
  return difference > 0 ? "better" : "worse";
}
