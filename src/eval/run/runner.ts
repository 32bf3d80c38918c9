/** Runs tasks against a backend: makes the samples, answers those that the log lacks, and appends a row for each. */
import { CapacityError, InputError } from "../../runtime/errors.ts";
import { Exhausted } from "../backends/endpoint/client.ts";
import type { Backend, Generation, Row, Sample, Task } from "../types.ts";
import type { AnswerCache } from "./answer-cache.ts";
import type { RunLog } from "./log.ts";
import { answerKey, rowKey, rowOf } from "./row.ts";
import { createCell, type SampleSource, samplesOf } from "./samples.ts";

/** Failures in a row after which a server counts as gone. */
const MOST_FAILURES = 20;

export interface RunOptions {
  readonly backend: Backend;
  readonly tasks: readonly Task[];
  readonly lengths: readonly number[];
  /** Samples of each task at a length. */
  readonly samples: (length: number) => number;
  readonly source: SampleSource;
  readonly log: RunLog;
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

interface Pending {
  readonly task: Task;
  readonly sample: Sample;
  readonly answer: string;
  readonly key: string;
}

export async function runTasks(options: RunOptions): Promise<RunResult> {
  const { backend, log, cache, signal, onEvent = () => {} } = options;
  const rows = new Map(log.rows.map((row) => [row.key, row]));
  const result: Row[] = [];
  let [failed, failedInARow, skipped, ownSeconds] = [0, 0, 0, 0];

  async function answer({ task, sample, answer, key }: Pending): Promise<void> {
    const cached = cache?.get(answer);
    const start = performance.now();
    let generation: Generation;
    try {
      generation = cached ?? (await generate(backend, sample, options));
    } catch (error) {
      const isHopeless =
        (error instanceof InputError && !(error instanceof Exhausted)) || error instanceof CapacityError;
      failedInARow++;
      if (signal?.aborted || isHopeless || failedInARow > MOST_FAILURES) throw error;
      failed++;
      onEvent({ type: "failed", sample: sample.id, error: error as Error });
      return;
    }
    failedInARow = 0;
    const answered = performance.now();
    const row = rowOf(task, sample, backend.mode, generation, key, cached !== undefined);
    log.append(row);
    if (!cached && !generation.truncated) cache?.set(answer, generation);
    result.push(row);
    ownSeconds += (performance.now() - answered) / 1000;
    onEvent({ type: "row", row, seconds: (answered - start) / 1000 });
  }

  for (const length of options.lengths) {
    signal?.throwIfAborted();
    const start = performance.now();
    const made = makeSamples(options, length, (task, samples, reason) => {
      skipped += samples;
      onEvent({ type: "skipped", task, length, samples, reason });
    });
    const pending = made.filter(({ key }) => !rows.has(key));
    result.push(...made.flatMap(({ key }) => rows.get(key) ?? []));
    // Prompts that begin alike stand side by side: sorted texts are the depth-first order of their trie.
    if (backend.sharesPrefixes) pending.sort((a, b) => compare(textOf(a.sample), textOf(b.sample)));
    const promptTokens = pending.reduce((sum, { sample }) => sum + sample.promptTokens, 0);
    onEvent({ type: "made", length, samples: made.length, pending: pending.length, promptTokens });
    ownSeconds += (performance.now() - start) / 1000;
    await inParallel(pending, backend.concurrency, answer);
  }
  return { rows: result, failed, skipped, ownSeconds };
}

function makeSamples(
  { backend, tasks, samples, source }: RunOptions,
  length: number,
  onSkip: (task: string, samples: number, reason: string) => void,
): Pending[] {
  return tasks.flatMap((task) => {
    const count = samples(length);
    try {
      const sampleAt = samplesOf(task, createCell(backend, task, length, count, source));
      return Array.from({ length: count }, (_, index) => {
        const sample = sampleAt(index);
        expectRoom(sample, backend);
        const answer = answerKey(backend, sample);
        return { task, sample, answer, key: rowKey(answer, task, sample) };
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
