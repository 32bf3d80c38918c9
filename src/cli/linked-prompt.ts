/** Reads a prompt whose documents were read by themselves before, or are now, with a bar. */
import { type LinkTextsOptions, linkTexts } from "../engine/linked-text.ts";
import type { Engine, Session } from "../engine/types.ts";
import type { Reading } from "./answer.ts";
import { progressBar } from "./progress.ts";
import type { SeparatePrompt } from "./prompt.ts";

/** The session is the caller's own. */
export async function readLinked(
  engine: Engine,
  prompt: SeparatePrompt,
  options: LinkTextsOptions,
): Promise<Reading & { session: Session }> {
  const promptTokens = prompt.tokenIds.length;
  const bar = progressBar(process.stderr, { label: "reading", total: promptTokens, unit: "tokens" });
  bar.update(0);
  const start = performance.now();
  try {
    const { session, readTokens } = await linkTexts(engine, prompt, { ...options, onProgress: bar.update });
    // What is read for the first time is read twice in part: then nothing was held.
    const cachedTokens = Math.max(0, promptTokens - readTokens);
    return { session, promptTokens, cachedTokens, prefillSeconds: (performance.now() - start) / 1000 };
  } finally {
    bar.finish();
  }
}
