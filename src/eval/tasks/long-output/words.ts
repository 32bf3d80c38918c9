/** Prompts and word lists; sources and licences stand in the file. */
import { readJson } from "../../data.ts";

export const words = readJson<{
  readonly source: string;
  readonly license: string;
  readonly path: {
    readonly prompt: string;
    readonly question: string;
    readonly opening: string;
    readonly edge: string;
    readonly step: string;
    readonly methods: readonly string[];
    readonly cityBeginnings: readonly string[];
    readonly cityEndings: readonly string[];
  };
  readonly numbered: {
    readonly instruction: string;
    readonly once: string;
    readonly range: string;
    readonly periodic: string;
    readonly question: string;
    readonly entry: string;
    readonly end: string;
    readonly keepers: readonly string[];
    readonly codeLetters: string;
    readonly sentences: readonly string[];
    readonly slots: Readonly<Record<string, readonly string[]>>;
    readonly sentenceWords: number;
  };
}>("long-output.json");

/** Replaces each {name}; all names must have values. */
export function fillIn(template: string, values: Readonly<Record<string, string | number>>): string {
  return template.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}
