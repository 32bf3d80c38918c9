/** A summary and a comparison as text for a terminal. */
import type {
  ComparedCell,
  ComparedMacro,
  Comparison,
  EffectiveLength,
  FamilySummary,
  PositionBias,
  Summary,
  TaskSummary,
  Totals,
} from "../summary/index.ts";
import {
  formatLength,
  formatP,
  formatPoints,
  formatRoughLength,
  formatScore,
  formatScoreWithHalfWidth,
} from "./figures.ts";
import { type TableCell, tableLines } from "./table.ts";
import { binLabel, heatMapLines } from "./terminal-heat-map.ts";

export interface TerminalOptions {
  /** Characters in a line. */
  readonly columns: number;
  /** The caller knows: off for NO_COLOR, TERM=dumb, or where no terminal reads. */
  readonly color: boolean;
}

/** Tables of all families, in percent with the half width of the 95 % interval, and heat maps of tasks with depths. */
export function summaryText(summary: Summary, options: TerminalOptions): string {
  return [
    ...summary.families.map((family) => familyLines(summary, family, options).join("\n")),
    totalsLine(summary.totals),
  ].join("\n\n");
}

/** What b does better or worse than a on the same prompts, in percentage points. */
export function comparisonText(comparison: Comparison, { columns, color }: TerminalOptions): string {
  const header = ["", "n", "a", "b", "b - a", "95 %", "p", "adjusted", "verdict"];
  const cells = comparison.cells.map((cell) => differenceRow(`${cell.task} ${formatLength(cell.length)}`, cell, color));
  const macros = comparison.macros.map((macro) =>
    differenceRow(`${macro.family} ${formatLength(macro.length)} (mean of ${macro.tasks})`, macro, color),
  );
  const { differentPrompt, onlyInA, onlyInB, truncated } = comparison.leftOut;
  const leftOut = [
    [differentPrompt, "with another prompt"],
    [onlyInA, "only in a"],
    [onlyInB, "only in b"],
    [truncated, "with a cut prompt"],
  ].flatMap(([count, why]) => (count === 0 ? [] : [`${count} ${why}`]));
  const real = [...comparison.macros, ...comparison.cells].filter(({ verdict }) => verdict !== "no real difference");
  return [
    ...tableLines(header, [...cells, ...macros], columns),
    "",
    real.length === 0
      ? "Nothing really differs (Holm-adjusted p < 0.05)."
      : `${real.length} of ${cells.length + macros.length} lines really differ (Holm-adjusted p < 0.05).`,
    `${comparison.paired} samples compared, mode ${comparison.mode}${leftOut.length > 0 ? `; left out: ${leftOut.join(", ")}` : ""}`,
    `a: ${totalsLine(comparison.a)}`,
    `b: ${totalsLine(comparison.b)}`,
  ].join("\n");
}

function familyLines(summary: Summary, family: FamilySummary, options: TerminalOptions): string[] {
  const lengths = summary.lengths.filter((length) =>
    family.tasks.some(({ cells }) => cells.some((cell) => cell.length === length)),
  );
  const rows: TableCell[][] = family.tasks.map(({ task, cells }) => [
    task,
    ...lengths.map((length) => {
      const cell = cells.find((cell) => cell.length === length);
      if (cell === undefined) return "-";
      const score =
        cell.score === undefined || cell.interval === undefined
          ? "-"
          : formatScoreWithHalfWidth(cell.score, cell.interval);
      return cell.truncated > 0 ? `${score} !` : score;
    }),
  ]);
  const macro: TableCell[] = lengths.map((length) => {
    const mean = family.macros.find((macro) => macro.length === length);
    if (mean === undefined) return "-";
    return `${formatScoreWithHalfWidth(mean.score, mean.interval)}${mean.missing.length > 0 ? " *" : ""}`;
  });
  const cut = family.tasks.flatMap(({ cells }) => cells).reduce((sum, { truncated }) => sum + truncated, 0);
  return [
    `${family.family} · ${summary.mode}`,
    ...tableLines(
      ["task", ...lengths.map(formatLength)],
      family.tasks.length > 1 ? [...rows, ["mean", ...macro]] : rows,
      options.columns,
    ),
    ...(cut > 0
      ? [
          `! ${cut} ${cut === 1 ? "prompt was" : "prompts were"} cut on the way and ${cut === 1 ? "does" : "do"} not count`,
        ]
      : []),
    ...(family.macros.some(({ missing }) => missing.length > 0)
      ? ["* not all tasks: left out of the effective length"]
      : []),
    ...family.effectiveLengths.map(effectiveLengthLine),
    ...(family.areaScore === undefined ? [] : [`mean over log2 length: ${formatScore(family.areaScore)}`]),
    ...family.tasks.flatMap((task) => depthLines(task, options)),
  ];
}

function effectiveLengthLine(effective: EffectiveLength): string {
  const { rule, threshold, baseLengths = [], tested, interpolated, open, interval } = effective;
  const base = `0.85 of the base at ${baseLengths.map(formatLength).join(", ")}`;
  const what = {
    absolute: `score >= ${formatScore(threshold)}`,
    relative: `score >= ${formatScore(threshold)}, ${base}`,
    statistical: "the same with 95 % confidence",
  }[rule];
  const ends = interval && [
    interval.low === undefined ? "less" : formatRoughLength(interval.low),
    interval.high === undefined ? "more" : formatRoughLength(interval.high),
  ];
  const range = ends ? `95 %: ${ends.join(" to ")}` : "";
  if (tested === undefined || interpolated === undefined)
    return `effective length (${what}): below what was tested${range && ` (${range})`}`;
  if (open) return `effective length (${what}): ${formatLength(tested)} or more${range && ` (${range})`}`;
  const between = [`interpolated ${formatRoughLength(interpolated)}`, range].filter((text) => text !== "").join(", ");
  return `effective length (${what}): ${formatLength(tested)} (${between})`;
}

function depthLines({ task, depths, positionBias }: TaskSummary, options: TerminalOptions): string[] {
  if (depths === undefined) return [];
  return [
    "",
    `${task} by depth (0 % is the beginning of the context)`,
    ...heatMapLines(depths, options),
    ...(positionBias ? positionLines(positionBias) : []),
  ];
}

function positionLines({ primacy, recency, u, uInterval, worstBin, uniformity, p }: PositionBias): string[] {
  const range = `${formatPoints(uInterval.low)} to ${formatPoints(uInterval.high)}`;
  const worst = `worst at ${binLabel(worstBin.low, worstBin.high)}: ${formatScore(worstBin.score)}`;
  return [
    `against the middle: beginning ${formatPoints(primacy)}, end ${formatPoints(recency)} · U ${formatPoints(u)} (95 %: ${range})`,
    `${worst} · evenness ${formatScore(uniformity)} · any effect of depth: p ${p < 0.001 ? "" : "= "}${formatP(p)}`,
  ];
}

function differenceRow(name: string, row: ComparedCell | ComparedMacro, color: boolean): TableCell[] {
  const { n, a, b, difference, interval, p, adjustedP, verdict } = row;
  const paint = (code: number) => ({
    text: verdict,
    paint: (padded: string) => (color ? `\u001b[${code}m${padded}\u001b[0m` : padded),
  });
  return [
    name,
    String(n),
    formatScore(a),
    formatScore(b),
    formatPoints(difference),
    `${formatPoints(interval.low)} to ${formatPoints(interval.high)}`,
    formatP(p),
    formatP(adjustedP),
    verdict === "no real difference" ? "-" : paint(verdict === "better" ? 32 : 31),
  ];
}

function totalsLine({ samples, fromCache, promptTokens, cachedTokens, outputTokens, seconds }: Totals): string {
  const count = (value: number) => value.toLocaleString("en-US");
  return [
    `${count(samples)} samples${fromCache > 0 ? ` (${count(fromCache)} answered earlier)` : ""}`,
    `${count(promptTokens)} prompt tokens (${count(cachedTokens)} cached)`,
    `${count(outputTokens)} output tokens`,
    `${count(Math.round(seconds))} s`,
  ].join(" · ");
}
