/**
 * How long a run takes. Reading n tokens costs n (1 + n / 2 L0): linear layers for every token, and attention that
 * grows with what was read before; L0 is where both cost the same. Writing a token costs about as much as reading ten.
 */
import type { Backend, Haystack } from "../types.ts";

/** Between those of the small models here: about 6,000 (SmolLM2-135M) to 12,000 (Qwen2.5-Coder-0.5B). */
const EQUAL_COST_TOKENS = 10_000;
const PROBE_WORDS = 450;

/** Work of reading a prompt of `tokens`, in tokens of an empty context. */
export function workOf(tokens: number): number {
  return tokens * (1 + tokens / (2 * EQUAL_COST_TOKENS));
}

/** Seconds for a unit of work, measured on one prompt of some hundred tokens. */
export async function secondsPerWork(backend: Backend, haystack: Haystack, signal?: AbortSignal): Promise<number> {
  const parts = { context: haystack.words(PROBE_WORDS), question: "" };
  const promptTokens = backend.promptTokens(parts);
  const { usage } = await backend.generate({ parts, maxTokens: 1, promptTokens, signal });
  return usage.seconds / workOf(promptTokens) / backend.concurrency;
}

export interface CellCount {
  readonly length: number;
  readonly samples: number;
}

/** Counts work as it is done: from a prediction at first, by its own pace soon. */
export class WorkMeter {
  private done = 0;
  private pending: number;
  private readonly predicted: number;
  private readonly startedAt: number;
  private readonly now: () => number;

  /** `now` is a clock in seconds. */
  constructor(cells: readonly CellCount[], predictedSecondsPerWork: number, now: () => number) {
    this.pending = cells.reduce((sum, { length, samples }) => sum + samples * workOf(length), 0);
    this.predicted = predictedSecondsPerWork;
    this.now = now;
    this.startedAt = now();
  }

  /** A sample was answered by the model. */
  answered(length: number): void {
    this.done += workOf(length);
    this.pending -= workOf(length);
  }

  /** Samples that need no answer: they have one, or cannot be made. */
  spared(length: number, samples: number): void {
    this.pending -= samples * workOf(length);
  }

  get secondsLeft(): number {
    const pace = this.done > 0 ? (this.now() - this.startedAt) / this.done : this.predicted;
    return Math.max(0, this.pending) * pace;
  }
}
