/** Results for the terminal. */
import { tableLines } from "../report/table.ts";
import type { Interval } from "../statistics/interval.ts";
import { count, percent } from "./figures.ts";
import type { PerplexityResult } from "./index.ts";
import type { Likelihood } from "./likelihood.ts";

const titles = {
  position: "Perplexity by position",
  context: "Perplexity by visible context",
  "sliding-window": "Perplexity over a sliding window",
  chunked: "Perplexity of chunks",
  "shuffled-prefix": "Perplexity after own and other text",
  longppl: "Perplexity of key tokens",
} as const;

const figureTitles = ["tokens", "documents", "NLL", "perplexity", "95 %", "bits/byte"];

/** `columns`: of the terminal; wider tables go on below. */
export function perplexityText(result: PerplexityResult, columns = Number.POSITIVE_INFINITY): string {
  const { model, plan, bos, measure } = result;
  const [header, ...rows] = linesOf(result);
  const conditions = `${model} · ${plan.cache.format} pages · ${bos ? "BOS before every pass" : "no BOS"}`;
  return `${titles[measure]}\n${conditions}\n${detailsOf(result)}\n\n${tableLines(header, rows, columns).join("\n")}\n`;
}

function detailsOf(result: PerplexityResult): string {
  switch (result.measure) {
    case "position":
      return "NLL in nats per token, of tokens by how many of their document stand before them";
    case "context":
      return `the last ${count(result.targets)} tokens of each document; gain in nats per token over ${count(result.base)} tokens of context`;
    case "sliding-window":
      return `windows of ${count(result.window)} tokens, ${count(result.stride)} apart`;
    case "chunked":
      return `chunks of ${count(result.window)} tokens; the first ${count(result.unscored)} predictions of each do not count (as in llama.cpp)`;
    case "shuffled-prefix":
      return `the last ${count(result.targets)} tokens of each document after ${count(result.context)} tokens; context use ${signed(result.contextUse)} nats per token${range(result.contextUseInterval, signed)}`;
    case "longppl": {
      const { window, stride, alpha, beta } = result.criteria;
      return `${result.label}: ${count(result.keyTokens)} key tokens, ${percent(result.keyShare)} of all (K ${count(window)}, d ${count(stride)}, LSD > ${alpha}, LCL > ${beta})`;
    }
  }
}

function linesOf(result: PerplexityResult): string[][] {
  switch (result.measure) {
    case "position":
      return [
        ["position", ...figureTitles],
        ...result.buckets.map((bucket) => [`${count(bucket.from)} – ${count(bucket.to - 1)}`, ...figuresOf(bucket)]),
        ["all", ...figuresOf(result.total)],
      ];
    case "context":
      return [
        ["context", ...figureTitles, "gain", "95 %"],
        ...result.contexts.map((row) => [
          count(row.context),
          ...figuresOf(row),
          signed(row.gain),
          range(row.gainInterval, signed).trim(),
        ]),
      ];
    case "sliding-window":
    case "chunked":
      return [
        ["", ...figureTitles],
        ["all", ...figuresOf(result.total)],
      ];
    case "shuffled-prefix":
      return [
        ["after", ...figureTitles],
        ["own text", ...figuresOf(result.own)],
        ["other text", ...figuresOf(result.other)],
        ["nothing", ...figuresOf(result.none)],
      ];
    case "longppl":
      return [
        ["", ...figureTitles],
        ["key tokens", ...(result.key ? figuresOf(result.key) : figureTitles.map(() => "–"))],
        ["all tokens", ...figuresOf(result.total)],
      ];
  }
}

function figuresOf({ tokens, documents, nll, perplexity, bitsPerByte, intervals }: Likelihood): string[] {
  const interval = range(intervals?.perplexity, figure).trim();
  return [count(tokens), count(documents), nll.toFixed(3), figure(perplexity), interval, bitsPerByte.toFixed(3)];
}

/** Four digits, never with an exponent. */
function figure(value: number): string {
  return value >= 1000 ? count(Math.round(value)) : value.toPrecision(4);
}

function signed(value: number): string {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)}`;
}

function range(interval: Interval | undefined, show: (value: number) => string): string {
  return interval ? ` ${show(interval.low)} … ${show(interval.high)}` : "";
}
