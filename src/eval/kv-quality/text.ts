/** Results for the terminal. */
import { count, percent } from "../perplexity/figures.ts";
import { formatPoints } from "../report/figures.ts";
import { tableLines } from "../report/table.ts";
import type { Divergence, Mean } from "./divergence.ts";
import type { KvQualityResult, Resources } from "./types.ts";

/** `columns`: of the terminal; wider tables go on below. */
export function kvQualityText(result: KvQualityResult, columns = Number.POSITIVE_INFINITY): string {
  const tableOf = ([header, ...rows]: string[][]) => tableLines(header, rows, columns).join("\n");
  const { model, plan, reference, questionKnown, samples, agreement, tasks, resources } = result;
  const sections = [
    [
      `KV quality of ${model}: ${plan.cache.format} pages against ${reference.cache.format} pages`,
      `${count(samples.length)} prompts (${result.mode}), context read ${questionKnown ? "with" : "before"} the question`,
    ].join("\n"),
  ];
  const along = [
    ["reference's answer", result.answer],
    ["continuation", result.continuation],
  ] as const;
  const lines = along.flatMap(([name, divergence]) => (divergence ? [[name, ...divergenceCells(divergence)]] : []));
  if (lines.length > 0) sections.push(tableOf([divergenceTitles, ...lines]));

  const { exactMatch, medianFirstDivergence } = agreement;
  const first =
    medianFirstDivergence === undefined ? "" : `; the others differ from token ${medianFirstDivergence} on (median)`;
  sections.push(`same answer word for word: ${share(exactMatch)} of ${count(agreement.n)}${first}`);
  if (tasks.length > 0)
    sections.push(
      tableOf([
        ["task", "n", "reference", "plan", "retention", "difference", "95 %"],
        ...tasks.map((task) => [
          task.task,
          count(task.n),
          percent(task.reference),
          percent(task.plan),
          task.retention === undefined ? "–" : percent(task.retention),
          formatPoints(task.difference),
          `${formatPoints(task.interval.low)} … ${formatPoints(task.interval.high)}`,
        ]),
      ]),
    );
  sections.push(
    tableOf([
      ["", "cache bytes/token", "prefill tokens/s", "decode tokens/s"],
      ["reference", ...resourceCells(resources.reference)],
      ["plan", ...resourceCells(resources.plan)],
    ]),
  );
  return `${sections.join("\n\n")}\n`;
}

const divergenceTitles = [
  "along",
  "steps",
  "KL mean",
  "median",
  "p90",
  "p95",
  "p99",
  "max",
  "same top",
  "Δp mean",
  "Δp RMS",
  "ΔNLL",
  "PPL ratio",
];

function divergenceCells({ steps, kl, top1, deltaP, deltaNll, perplexityRatio }: Divergence): string[] {
  return [
    count(steps),
    ...[kl.mean, kl.median, kl.p90, kl.p95, kl.p99, kl.max].map(small),
    share(top1),
    percent(deltaP.mean),
    percent(deltaP.rootMeanSquare),
    deltaNll.mean.toFixed(4),
    perplexityRatio.toFixed(4),
  ];
}

function resourceCells(resources: Resources): string[] {
  const { cacheBytesPerToken, promptTokens, prefillSeconds, outputTokens, decodeSeconds } = resources;
  return [count(Math.round(cacheBytesPerToken)), rate(promptTokens, prefillSeconds), rate(outputTokens, decodeSeconds)];
}

function rate(tokens: number, seconds: number): string {
  if (tokens === 0 || seconds === 0) return "–";
  const perSecond = tokens / seconds;
  return perSecond >= 100 ? count(Math.round(perSecond)) : perSecond.toPrecision(3);
}

/** Divergences span many orders of magnitude: 0.00012 is as readable as 1.2e-4, 1e-9 is not. */
function small(value: number): string {
  return value !== 0 && value < 1e-4 ? value.toExponential(1) : value.toFixed(4);
}

function share({ mean, interval }: Mean): string {
  return interval ? `${percent(mean)} (${percent(interval.low)} … ${percent(interval.high)})` : percent(mean);
}
