/** A sweep for the terminal: best first within each budget. */
import { count, percent } from "../perplexity/figures.ts";
import { tableLines } from "../report/table.ts";
import type { SweepResult, SweepRow } from "./types.ts";

/** `columns`: of the terminal; wider tables go on below. */
export function sweepText(result: SweepResult, columns = Number.POSITIVE_INFINITY): string {
  const { model, mode, samples, meanTokens, full, rows } = result;
  const tasks = Object.keys(full.tasks);
  const header = ["score", "allocation", "quality", "95 %", "KL", "same top", "bytes", "s", ...tasks];
  const line = ({ score, allocation, quality, interval, kl, top1, bytesShare, seconds, ...row }: SweepRow) => [
    ...[score, allocation, percent(quality), `${percent(interval.low)} … ${percent(interval.high)}`],
    ...[kl < 0.01 ? kl.toExponential(1) : kl.toFixed(3), percent(top1), percent(bytesShare), seconds.toFixed(2)],
    ...tasks.map((task) => percent(row.tasks[task])),
  ];
  const sections = [
    `${model}: ${count(samples)} prompts of ${count(meanTokens)} tokens (${mode}); full cache ${percent(full.quality)}` +
      ` (${percent(full.interval.low)} … ${percent(full.interval.high)})`,
  ];
  for (const known of [...new Set(rows.map(({ questionKnown }) => questionKnown))])
    for (const share of [...new Set(rows.map((row) => row.share))].sort((a, b) => b - a)) {
      const own = rows.filter((row) => row.questionKnown === known && row.share === share);
      const sorted = [...own].sort((a, b) => b.quality - a.quality || a.kl - b.kl);
      sections.push(
        `${percent(share)} kept, question ${known ? "seen" : "not seen"} by the scorer\n` +
          tableLines(header, sorted.map(line), columns).join("\n"),
      );
    }
  return `${sections.join("\n\n")}\n`;
}
