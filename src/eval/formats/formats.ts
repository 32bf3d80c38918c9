/**
 * What page formats cost: the last tokens of a text predicted with each, against f32 pages. The reference is read once; every
 * format reads the text anew, because what it does to early layers changes what later layers see.
 */
import { type CachePlan, cacheSchema } from "../../context/cache/plan.ts";
import { defaultPlan } from "../../context/plan.ts";
import type { Choice } from "../../context/technique.ts";
import type { Engine } from "../../engine/types.ts";
import { compareStep, type Step } from "../kv-quality/divergence.ts";
import { quantile } from "../statistics/bootstrap.ts";

export interface FormatRow {
  readonly format: Choice;
  /** Nats a token. */
  readonly kl: number;
  readonly medianKl: number;
  readonly p99Kl: number;
  /** Share of tokens with the same most likely next token. */
  readonly top1: number;
  /** exp of the mean rise of the text's own negative log-likelihood. */
  readonly perplexityRatio: number;
  readonly cacheBytesPerToken: number;
  readonly seconds: number;
}

export interface FormatOptions {
  readonly tokenIds: Int32Array;
  /** Last tokens that are compared. Their logits are held: 4 bytes × vocabulary each. */
  readonly compared: number;
  readonly formats: readonly Choice[];
  readonly signal?: AbortSignal;
  /** Tokens read, of those of all formats and the reference. */
  onProgress?(done: number, total: number): void;
}

export async function formatTable(engine: Engine, options: FormatOptions): Promise<FormatRow[]> {
  const { tokenIds, compared, formats, onProgress } = options;
  const total = tokenIds.length * (formats.length + 1);
  let readings = 0;
  const progress = (done: number) => onProgress?.(readings * tokenIds.length + done, total);
  const reference: Float32Array[] = [];
  await read(engine, { format: "f32" }, options, progress, (row) => reference.push(row.slice()));
  readings++;
  const targets = tokenIds.subarray(tokenIds.length - compared + 1);

  const rows: FormatRow[] = [];
  for (const format of formats) {
    const steps: Step[] = [];
    const { cacheBytes, seconds } = await read(engine, { format }, options, progress, (row, i) => {
      if (i < targets.length) steps.push(compareStep(reference[i], row, targets[i]));
    });
    readings++;
    const kls = steps.map(({ kl }) => kl).sort((a, b) => a - b);
    const mean = (figure: (step: Step) => number) => steps.reduce((sum, step) => sum + figure(step), 0) / steps.length;
    rows.push({
      format,
      kl: mean(({ kl }) => kl),
      medianKl: quantile(kls, 0.5),
      p99Kl: quantile(kls, 0.99),
      top1: mean(({ sameTop }) => Number(sameTop)),
      perplexityRatio: Math.exp(mean(({ deltaNll }) => deltaNll)),
      cacheBytesPerToken: cacheBytes / tokenIds.length,
      seconds,
    });
  }
  return rows;
}

/** Reads the text under a cache plan and gives the logits of its last tokens, row by row. */
async function read(
  engine: Engine,
  cache: { format: Choice },
  { tokenIds, compared, signal }: FormatOptions,
  onProgress: (done: number) => void,
  onRow: (logits: Float32Array, row: number) => void,
): Promise<{ cacheBytes: number; seconds: number }> {
  const plan: CachePlan = cacheSchema.parse(cache);
  const session = await engine.session({ plan: { ...defaultPlan, cache: plan } });
  const start = performance.now();
  try {
    const before = tokenIds.length - compared;
    if (before > 0) await session.prefill(tokenIds.subarray(0, before), { signal, onProgress });
    const { vocabularySize } = engine.model;
    await session.prefill(tokenIds.subarray(before), {
      signal,
      onLogits: (logits, firstRow) => {
        for (let row = 0; row < logits.length / vocabularySize; row++)
          onRow(logits.subarray(row * vocabularySize, (row + 1) * vocabularySize), firstRow + row);
      },
      onProgress: (done) => onProgress(before + done),
    });
    const { cacheBytes } = await session.memory();
    return { cacheBytes, seconds: (performance.now() - start) / 1000 };
  } finally {
    await session.dispose();
  }
}
