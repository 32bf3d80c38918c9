/** The headline numbers: effective lengths, and mean scores by length with their intervals, for every family of tasks. */
import { seriesOf } from "../charts/color.ts";
import { effectiveLengthTable } from "./effective-length.ts";
import { familiesOf, findMacro, lengthsOf, type NamedRun } from "./runs.ts";
import { macroCell } from "./scores-section.ts";
import { type Section, titled } from "./section.ts";
import { scoreTable } from "./table.ts";

export function summarySection(runs: readonly NamedRun[]): Section {
  const families = familiesOf(runs);
  const parts = families.map((family) => {
    const lengths = lengthsOf(runs).filter((length) => runs.some((run) => findMacro(run, family, length)));
    const rows = runs.map((run) => ({
      name: run.name,
      className: seriesOf(run.series).class,
      cells: lengths.map((length) => macroCell(findMacro(run, family, length))),
    }));
    const means = scoreTable("Mean score over tasks by context length, in tokens", "Run", lengths, rows);
    return titled(families.length > 1 ? family : undefined, effectiveLengthTable(runs, family) + means);
  });
  return {
    id: "summary",
    title: "Summary",
    lead: "Scores run from 0 to 100. Small numbers are 95% intervals: where two overlap widely, do not read a difference into them.",
    content: parts.join(""),
  };
}
