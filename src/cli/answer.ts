/** Reads a prompt into a session and writes the answer, both timed and both stopped by the signal. */
import type { GenerateOptions, Session } from "../engine/types.ts";
import { progressBar } from "./progress.ts";

export interface Reading {
  readonly promptTokens: number;
  readonly prefillSeconds: number;
}

export interface Answer {
  readonly text: string;
  readonly tokenIds: number[];
  readonly decodeSeconds: number;
}

export async function readPrompt(session: Session, tokenIds: Int32Array, signal: AbortSignal): Promise<Reading> {
  const bar = progressBar(process.stderr, { label: "reading", total: tokenIds.length, unit: "tokens" });
  bar.update(0);
  const start = performance.now();
  try {
    await session.prefill(tokenIds, { signal, onProgress: (done) => bar.update(done) });
  } finally {
    bar.finish();
  }
  return { promptTokens: tokenIds.length, prefillSeconds: secondsSince(start) };
}

/** `onText` gets the answer as it comes. If the signal aborts, what came so far is the answer. */
export async function writeAnswer(
  session: Session,
  options: GenerateOptions & { signal: AbortSignal },
  onText: (text: string) => void | Promise<void>,
): Promise<Answer> {
  const tokenIds: number[] = [];
  let text = "";
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
  return { text, tokenIds, decodeSeconds: secondsSince(start) };
}

function secondsSince(start: number): number {
  return (performance.now() - start) / 1000;
}
