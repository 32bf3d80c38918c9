/**
 * XGrammar in WebAssembly: says which tokens may come next so that a text stays inside a grammar (arXiv 2411.15100).
 * Its package holds a script but declares a module, which no import can load; so it is run as the script that it is.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { compileFunction } from "node:vm";
import type * as Package from "@mlc-ai/web-xgrammar";

export type { CompiledGrammar, GrammarCompiler, GrammarMatcher, StructuralTagFormat } from "@mlc-ai/web-xgrammar";

export interface Program {
  readonly xgrammar: typeof Package;
  /** What it wrote to its console: reasons of failures are said nowhere else. */
  readonly said: string[];
}

/** A program with memory of its own. One that has failed (it aborts) is not to be used any more. */
export function loadProgram(): Program {
  const path = createRequire(import.meta.url).resolve("@mlc-ai/web-xgrammar");
  const said: string[] = [];
  const say = (text: unknown) => void said.push(String(text));
  const exports = {} as typeof Package;
  const names = ["exports", "module", "process", "location", "console"];
  const run = compileFunction(withWords(readFileSync(path, "utf8")), names, { filename: path });
  // With no `process` it does without Node: its WebAssembly is a part of its text.
  run(exports, {}, undefined, { href: "" }, { log: say, warn: say, error: say });
  return { xgrammar: exports, said };
}

/** A list of numbers in the program's memory. */
interface Words {
  delete(): void;
}
interface Opened {
  /** Only as long as nothing else is done in the program. */
  wordsOf(words: Words): Int32Array;
}

/** The script keeps to itself how numbers are read out of its memory, one by one takes ten milliseconds for each mask. */
function withWords(source: string): string {
  const end = "exports.default = index;";
  if (!source.includes(end)) throw new Error("xgrammar: this version of @mlc-ai/web-xgrammar is built otherwise");
  return source.replace(end, `${end} exports.wordsOf = (words) => binding.vecIntToView(words);`);
}

/** GrammarMatcher.getNextTokenBitmask() without its promise. */
export function tokenMask({ xgrammar }: Program, matcher: Package.GrammarMatcher, vocabularySize: number): Uint32Array {
  const { handle } = matcher as unknown as { handle: { GetNextTokenBitmask(vocabularySize: number): Words } };
  const words = handle.GetNextTokenBitmask(vocabularySize);
  try {
    return Uint32Array.from((xgrammar as unknown as Opened).wordsOf(words));
  } finally {
    words.delete();
  }
}
