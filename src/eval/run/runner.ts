/**
 * Runs tasks against backends: makes the samples, answers those that a log lacks, and appends a row for each. Several
 * backends, each with a log, go through the same samples side by side, so that plans that read alike read them once.
 */
import { CapacityError, InputError } from "../../runtime/errors.ts";
import { Exhausted } from "../backends/endpoint/client.ts";
import type { Backend, Generation, Row, Sample, Task } from "../types.ts";
import type { AnswerCache } from "./answer-cache.ts";
import type { RunLog } from "./log.ts";
import { answerKey, rowKey, rowOf } from "./row.ts";
import { createCell, type SampleSource, samplesOf } from "./samples.ts";

/** Failures in a row after which a server counts as gone. */
const MOST_FAILURES = 20;

/** A backend and where its rows go. */
export interface Lane {
  readonly backend: Backend;
  readonly log: RunLog;
}

export interface RunOptions {
  /** At least one. All count tokens alike and put prompts in the same mode. */
  readonly lanes: readonly Lane[];
  readonly tasks: readonly Task[];
  readonly lengths: readonly number[];
  /** Samples of each task at a length. */
  readonly samples: (length: number) => number;
  readonly source: SampleSource;
  readonly cache?: AnswerCache;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: RunEvent) => void;
}

export type RunEvent =
  /** A length's samples are made. */
  | { type: "made"; length: number; samples: number; pending: number; promptTokens: number }
  /** A task cannot be done at a length. */
  | { type: "skipped"; task: string; length: number; samples: number; reason: string }
  | { type: "reading"; tokens: number }
  | { type: "row"; row: Row; seconds: number }
  | { type: "failed"; sample: string; error: Error };

export interface RunResult {
  /** All rows of the run, those of earlier starts included. */
  readonly rows: readonly Row[];
  /** Samples without an answer after all tries. */
  readonly failed: number;
  /** Samples that could not be made. */
  readonly skipped: number;
  /** Seconds that the harness itself took: making samples, scoring, logging. */
  readonly ownSeconds: number;
}

interface Made {
  readonly task: Task;
  readonly sample: Sample;
}

/** Gives a result for each lane. */
export async function runTasks(options: RunOptions): Promise<RunResult[]> {
  const { lanes, cache, signal, onEvent = () => {} } = options;
  const [{ backend: first }] = lanes;
  const results = lanes.map(() => ({ rows: [] as Row[], failed: 0, skipped: 0, ownSeconds: 0 }));
  const earlier = lanes.map(({ log }) => new Map(log.rows.map((row) => [row.key, row])));
  let failedInARow = 0;

  const keyOf = ({ backend }: Lane, { task, sample }: Made) => rowKey(answerKey(backend, sample), task, sample);

  async function answer({ task, sample }: Made, lane: number): Promise<void> {
    const { backend, log } = lanes[lane];
    const key = answerKey(backend, sample);
    const cached = cache?.get(key);
    const start = performance.now();
    let generation: Generation;
    try {
      generation = cached ?? (await generate(backend, sample, options));
    } catch (error) {
      const isHopeless =
        (error instanceof InputError && !(error instanceof Exhausted)) || error instanceof CapacityError;
      failedInARow++;
      if (signal?.aborted || isHopeless || failedInARow > MOST_FAILURES) throw error;
      results[lane].failed++;
      onEvent({ type: "failed", sample: sample.id, error: error as Error });
      return;
    }
    failedInARow = 0;
    const answered = performance.now();
    const row = rowOf(task, sample, backend.mode, generation, rowKey(key, task, sample), cached !== undefined);
    log.append(row);
    if (!cached && !generation.truncated) cache?.set(key, generation);
    results[lane].rows.push(row);
    results[lane].ownSeconds += (performance.now() - answered) / 1000;
    onEvent({ type: "row", row, seconds: (answered - start) / 1000 });
  }

  for (const length of options.lengths) {
    signal?.throwIfAborted();
    const start = performance.now();
    const made = makeSamples(options, first, length, (task, samples, reason) => {
      for (const result of results) result.skipped += samples;
      onEvent({ type: "skipped", task, length, samples: samples * lanes.length, reason });
    });
    // Prompts that begin alike stand side by side: sorted texts are the depth-first order of their trie.
    const ordered = first.sharesPrefixes ? [...made].sort((a, b) => compare(textOf(a.sample), textOf(b.sample))) : made;
    const pending = ordered.map((one) => ({
      one,
      lanes: lanes.flatMap((lane, i) => (earlier[i].has(keyOf(lane, one)) ? [] : [i])),
    }));
    lanes.forEach((lane, i) => {
      results[i].rows.push(...made.flatMap((one) => earlier[i].get(keyOf(lane, one)) ?? []));
    });
    onEvent({
      type: "made",
      length,
      samples: made.length * lanes.length,
      pending: pending.reduce((sum, { lanes }) => sum + lanes.length, 0),
      promptTokens: pending.reduce((sum, { one, lanes }) => sum + lanes.length * one.sample.promptTokens, 0),
    });
    for (const result of results) result.ownSeconds += (performance.now() - start) / 1000 / lanes.length;
    await inParallel(pending, first.concurrency, async ({ one, lanes }) => {
      for (const lane of lanes) await answer(one, lane);
    });
  }
  return results;
}

function makeSamples(
  { tasks, samples, source }: RunOptions,
  backend: Backend,
  length: number,
  onSkip: (task: string, samples: number, reason: string) => void,
): Made[] {
  return tasks.flatMap((task) => {
    const count = samples(length);
    try {
      const sampleAt = samplesOf(task, createCell(backend, task, length, count, source));
      return Array.from({ length: count }, (_, index) => {
        const sample = sampleAt(index);
        expectRoom(sample, backend);
        return { task, sample };
      });
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      onSkip(task.id, count, error.message);
      return [];
    }
  });
}

function expectRoom({ promptTokens, maxTokens }: Sample, { contextLength }: Backend): void {
  const needed = promptTokens + maxTokens;
  if (needed > contextLength)
    throw new InputError(
      `length: prompt and answer take ${needed} tokens, the model's context is ${contextLength}. Pass shorter --lengths.`,
      { expected: contextLength, got: needed },
    );
}

async function generate(backend: Backend, sample: Sample, { signal, onEvent }: RunOptions): Promise<Generation> {
  const { parts, maxTokens, stop, promptTokens } = sample;
  const onProgress = (tokens: number) => onEvent?.({ type: "reading", tokens });
  return backend.generate({ parts, maxTokens, stop, promptTokens, signal, onProgress });
}

/** Works on `limit` items at a time; the first error ends it after the others that had begun. */
async function inParallel<T>(items: readonly T[], limit: number, work: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  let stopped = false;
  const lane = async () => {
    while (next < items.length && !stopped)
      await work(items[next++]).catch((error) => {
        stopped = true;
        throw error;
      });
  };
  const results = await Promise.allSettled(Array.from({ length: Math.min(limit, items.length) }, lane));
  for (const result of results) if (result.status === "rejected") throw result.reason;
}

function textOf({ parts: { context, question } }: Sample): string {
  return context + question;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
