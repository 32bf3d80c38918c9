/**
 * From what length on a sparse prefill method reads prompts faster than full attention, by the times of one reading's chunks.
 * D is the method's `denseBelow`: chunks before it are read as full attention reads them, those from it on as the method does.
 * Seconds a token of a chunk with its middle at position p lie on a line each, found as Theil (1950) and Sen (1968) do:
 *
 *   full: t(p) = a + b·p;  sparse: t'(p) = a' + b'·p        b = max(0, median of all slopes of two chunks);  a = median of t − b·p
 *   lost(N) = ∫_D^N t'(p) − t(p) dp = (N − D) · (a' − a + (b' − b) · (N + D) / 2)      seconds that a prompt of N tokens takes longer
 *   break-even = the smallest N ≥ D from which on lost ≤ 0:
 *     max(D, 2 (a' − a) / (b − b') − D)   where b' < b
 *     else D if lost ≤ 0 up to the longest prompt that was measured, and ∞ if not
 *
 * It is unknown with fewer than 4 chunks of either kind, or if more than a quarter of them are over 10 % off their line: then something
 * else was running. The first chunk of a reading, and those of fewer than 128 tokens, do not count.
 */
import type { Plan } from "../context/plan.ts";
import { prefillOf } from "../context/prefill/plan.ts";
import { PAGE_SLOTS } from "../ops/attention.ts";
import { scheduleOf } from "./schedule.ts";

/** Tokens [begin, end) of a session, read at once. */
export interface ChunkTime {
  readonly begin: number;
  readonly end: number;
  readonly seconds: number;
}

interface Line {
  /** Seconds a token. */
  readonly start: number;
  /** Seconds a token, for each token before it. */
  readonly slope: number;
}

const FEWEST_CHUNKS = 4;
const FEWEST_TOKENS = 128;
/** Of the chunks, that a busy machine may have put off the line, by this part of their time. */
const MOST_OFF = 0.25;
const OFF = 0.1;

/** Times of chunks, from what a session reports while it reads. */
export class ChunkClock {
  readonly chunks: ChunkTime[] = [];
  private at: number;
  private since: number;
  private readonly now: () => number;

  /** `begin`: tokens that are held already; `now` in milliseconds. */
  constructor(begin: number, now: () => number = () => performance.now()) {
    this.at = begin;
    this.now = now;
    this.since = now();
  }

  /** The session holds `end` tokens: all since the last call are a chunk. */
  chunk(end: number): void {
    const now = this.now();
    this.chunks.push({ begin: this.at, end, seconds: (now - this.since) / 1000 });
    this.at = end;
    this.since = now;
  }
}

/** Tokens from which on the plan's prefill method is faster than full attention; none where the reading does not tell. */
export function measuredBreakEven(plan: Plan, chunks: readonly ChunkTime[]): number | undefined {
  const { technique, options } = prefillOf(plan.prefill);
  const { denseBelow } = technique.needs?.(options) ?? {};
  const { byLayers, untilDue } = scheduleOf(plan.cache);
  // Then time does not grow with the position, or progress is not told in chunks.
  const isPlain = !plan.prefill.select && !byLayers && untilDue(0) === Number.POSITIVE_INFINITY;
  return denseBelow !== undefined && isPlain ? breakEvenOf(chunks, denseBelow) : undefined;
}

/** As above, of one reading's chunks in order; none if it is unknown. */
export function breakEvenOf(chunks: readonly ChunkTime[], denseBelow: number): number | undefined {
  const counted = chunks.slice(1).filter(({ begin, end }) => end - begin >= FEWEST_TOKENS);
  // For the last block before denseBelow methods find out what the first sparse one needs.
  const dense = counted.filter(({ end }) => end + PAGE_SLOTS <= denseBelow);
  const sparse = counted.filter(({ begin }) => begin >= denseBelow);
  const [full, method] = [lineThrough(dense), lineThrough(sparse)];
  if (!full || !method) return undefined;
  const start = method.start - full.start;
  const slope = method.slope - full.slope;
  if (slope < 0) return Math.ceil(Math.max(denseBelow, (2 * start) / -slope - denseBelow));
  const longest = sparse[sparse.length - 1].end;
  return start + (slope * (longest + denseBelow)) / 2 <= 0 ? denseBelow : Number.POSITIVE_INFINITY;
}

function lineThrough(chunks: readonly ChunkTime[]): Line | undefined {
  if (chunks.length < FEWEST_CHUNKS) return undefined;
  const points = chunks.map(({ begin, end, seconds }) => ({ p: (begin + end) / 2, t: seconds / (end - begin) }));
  const slopes = points.flatMap((one, i) => points.slice(i + 1).map((other) => (other.t - one.t) / (other.p - one.p)));
  // To look at more takes no less time.
  const slope = Math.max(0, median(slopes));
  const start = median(points.map(({ p, t }) => t - slope * p));
  const off = points.filter(({ p, t }) => Math.abs(t - start - slope * p) > OFF * t);
  return off.length > MOST_OFF * points.length ? undefined : { slope, start };
}

function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
