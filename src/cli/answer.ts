/** Reads a prompt into a session and writes the answer, both timed and both stopped by the signal. */
import { ChunkClock, type ChunkTime } from "../engine/break-even.ts";
import type { GenerateOptions, Session, SpeculationCounts } from "../engine/types.ts";
import { progressBar } from "./progress.ts";

export interface Reading {
  readonly promptTokens: number;
  /** Of these, tokens that had been read before. */
  readonly cachedTokens: number;
  readonly prefillSeconds: number;
  /** As they were read one after the other, where that is known. */
  readonly chunks?: readonly ChunkTime[];
}

export interface Answer {
  readonly text: string;
  readonly tokenIds: number[];
  readonly decodeSeconds: number;
  /** Of this answer, where the plan has tokens guessed. */
  readonly speculation?: SpeculationCounts;
}

export async function readPrompt(session: Session, tokenIds: Int32Array, signal: AbortSignal): Promise<Reading> {
  const newBar = () => progressBar(process.stderr, { label: "reading", total: tokenIds.length, unit: "tokens" });
  let bar = newBar();
  bar.update(0);
  const start = performance.now();
  const begin = session.length;
  let clock = new ChunkClock(begin);
  try {
    await session.prefill(tokenIds, {
      signal,
      onProgress(done) {
        // What was there already says nothing about the speed of reading.
        if (done === session.restored) {
          bar = newBar();
          clock = new ChunkClock(begin + done);
        } else clock.chunk(begin + done);
        bar.update(done);
      },
    });
  } finally {
    bar.finish();
  }
  return {
    promptTokens: tokenIds.length,
    cachedTokens: session.restored,
    prefillSeconds: secondsSince(start),
    chunks: clock.chunks,
  };
}

/** `onText` gets the answer as it comes. If the signal aborts, what came so far is the answer. */
export async function writeAnswer(
  session: Session,
  options: GenerateOptions & { signal: AbortSignal },
  onText: (text: string) => void | Promise<void>,
): Promise<Answer> {
  const tokenIds: number[] = [];
  let text = "";
  const before = session.speculation;
  const start = performance.now();
  try {
    for await (const token of session.generate(options)) {
      tokenIds.push(token.tokenId);
      text += token.text;
      if (token.text) await onText(token.text);
    }
  } catch (error) {
    if (!options.signal.aborted) throw error;
  }
  const decodeSeconds = secondsSince(start);
  const speculation = before && session.speculation && countsSince(before, session.speculation);
  return { text, tokenIds, decodeSeconds, ...(speculation && { speculation }) };
}

function countsSince(before: SpeculationCounts, now: SpeculationCounts): SpeculationCounts {
  return {
    steps: now.steps - before.steps,
    drafted: now.drafted - before.drafted,
    accepted: now.accepted - before.accepted,
  };
}

function secondsSince(start: number): number {
  return (performance.now() - start) / 1000;
}
