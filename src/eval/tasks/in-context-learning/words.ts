/** HELMET's prompt and our own intents; source and licence stand in the file. */
import { readJson } from "../../data.ts";

export const words = readJson<{
  readonly source: string;
  readonly license: string;
  readonly instruction: string;
  readonly item: string;
  readonly separator: string;
  readonly answerPrefix: string;
  readonly parsePrefix: string;
  readonly intents: Readonly<Record<string, readonly string[]>>;
  readonly slots: Readonly<Record<string, readonly string[]>>;
}>("in-context-learning.json");
