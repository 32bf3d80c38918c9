/** Paired differences between two runs on the same prompts: a forest plot, and the same as a table. */
import type { ComparedCell, ComparedMacro, Comparison } from "../../summary/types.ts";
import { type ForestRow, forestPlot, formatP } from "../charts/forest.ts";
import { element, textElement } from "../charts/markup.ts";
import { formatCount, formatDifference, formatLength, formatScore } from "../charts/numbers.ts";
import { distinct, type NamedRun } from "./runs.ts";
import { figure, type Section, titled } from "./section.ts";
import { scrollable } from "./table.ts";

type Compared = ComparedCell | ComparedMacro;

export function comparisonSection([a, b]: readonly NamedRun[], comparison: Comparison): Section {
  const families = distinct([...comparison.macros, ...comparison.cells].map(({ family }) => family));
  const parts = families.map((family) => {
    // The mean over one task is that task.
    const means = comparison.macros.filter((row) => row.family === family && row.tasks > 1);
    const rows: Compared[] = [...means, ...comparison.cells.filter((row) => row.family === family)];
    const lengths = distinct(rows.map(({ length }) => length)).sort((x, y) => x - y);
    const label = `${family}: ${b.name} less ${a.name}. ${rows.map(inWords).join(" ")}`;
    const plot = forestPlot({
      label,
      worse: "worse",
      better: "better",
      groups: lengths.map((length) => ({
        title: formatLength(length),
        rows: rows.filter((row) => row.length === length).map(forestRow),
      })),
    });
    const caption = `${b.name} less ${a.name}, in points`;
    return titled(families.length > 1 ? family : undefined, figure(caption, plot) + differenceTable(a, b, rows));
  });
  return {
    id: "comparison",
    title: "What really differs",
    lead: "Differences on the same prompts with their 95% intervals. Filled marks are significant at 5% after Holm's correction for the number of comparisons; diamonds are means over tasks.",
    content: parts.join("") + pairing(comparison),
  };
}

function forestRow(row: Compared): ForestRow {
  return {
    label: "task" in row ? row.task : "mean",
    n: row.n,
    difference: row.difference,
    interval: row.interval,
    p: row.adjustedP,
    isSignificant: row.verdict !== "no real difference",
    isMean: !("task" in row),
  };
}

function differenceTable(a: NamedRun, b: NamedRun, rows: readonly Compared[]): string {
  const heads = ["", a.name, b.name, "difference", "95% interval", "n", "better / worse", "p", "adjusted p", "verdict"];
  const head = element("tr", {}, ...heads.map((name) => textElement("th", { scope: "col" }, name)));
  const body = rows.map((row) => {
    const values = [
      formatScore(row.a),
      formatScore(row.b),
      formatDifference(row.difference),
      `${formatDifference(row.interval.low)} to ${formatDifference(row.interval.high)}`,
      formatCount(row.n),
      "wins" in row ? `${row.wins} / ${row.losses}` : "",
      formatP(row.p),
      formatP(row.adjustedP),
      row.verdict,
    ];
    const cells = values.map((value) => textElement("td", {}, value));
    return element("tr", {}, textElement("th", { scope: "row" }, nameOf(row)), ...cells);
  });
  const table = element("table", { class: "plain" }, element("thead", {}, head), element("tbody", {}, ...body));
  return element("details", {}, textElement("summary", {}, "All differences as a table"), scrollable(table));
}

function pairing({ paired, leftOut }: Comparison): string {
  const reasons = [
    [leftOut.differentPrompt, "with different prompts"],
    [leftOut.onlyInA, "only in the first run"],
    [leftOut.onlyInB, "only in the second run"],
    [leftOut.truncated, "with a cut prompt"],
  ] as const;
  const out = reasons.filter(([count]) => count > 0).map(([count, reason]) => `${formatCount(count)} ${reason}`);
  const rest = out.length === 0 ? "none was left out" : `left out: ${out.join(", ")}`;
  return textElement("p", { class: "lead" }, `${formatCount(paired)} samples are paired; ${rest}.`);
}

function nameOf(row: Compared): string {
  return `${"task" in row ? row.task : "mean"}, ${formatLength(row.length)}`;
}

function inWords(row: Compared): string {
  return `${nameOf(row)}: ${formatDifference(row.difference)}, ${row.verdict}.`;
}
