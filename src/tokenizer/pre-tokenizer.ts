/**
 * Pre-tokenizers: the regular expression that cuts a text into words before byte-level BPE, by the value of
 * `tokenizer.ggml.pre`. Source: the models' own tokenizer.json files, with llama.cpp's names (llama-vocab.cpp).
 * \s and \S stand for Unicode white space, which is not JavaScript's (that has U+FEFF and lacks U+0085).
 */
import { UnsupportedError } from "../runtime/errors.ts";

export interface PreTokenizer {
  /** Sticky, and it matches at every position: a word is never empty. */
  readonly pattern: RegExp;
  /** A word that is a token is taken whole, whatever the merges say. */
  readonly wholeWords: boolean;
  /** Whether a text begins with BOS where the file does not say. */
  readonly addBos: boolean;
}

const contraction = "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])";
const gpt2Contraction = "'s|'t|'re|'ve|'m|'ll|'d";
const spaces = "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const upper = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]";
const lower = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]";

const llama3 = (digits: string, letter = "\\p{L}") =>
  `${contraction}|[^\\r\\n\\p{L}\\p{N}]?[${letter}]+|${digits}| ?[^\\s${letter}\\p{N}]+[\\r\\n]*|${spaces}`;
const cased = (digits: string, suffix: string) =>
  `[^\\r\\n\\p{L}\\p{N}]?${upper}*${lower}+${suffix}|[^\\r\\n\\p{L}\\p{N}]?${upper}+${lower}*${suffix}|` +
  `${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|${spaces}`;

const families: { names: string; pattern: string; wholeWords?: true; addBos?: true }[] = [
  {
    names: "llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral lfm2",
    pattern: llama3("\\p{N}{1,3}"),
    wholeWords: true,
    addBos: true,
  },
  { names: "dbrx smaug-bpe chatglm-bpe glm4 grok-2", pattern: llama3("\\p{N}{1,3}") },
  { names: "qwen2 deepseek-r1-qwen stablelm2 megrez hunyuan solar-open", pattern: llama3("\\p{N}") },
  { names: "qwen35", pattern: llama3("\\p{N}", "\\p{L}\\p{M}") },
  { names: "tekken", pattern: cased("\\p{N}", ""), wholeWords: true, addBos: true },
  { names: "gpt-4o llama4 kanana2 minimax-m2", pattern: cased("\\p{N}{1,3}", `${contraction}?`) },
  {
    names: "gpt-2 phi-2 mpt olmo jais exaone4 trillion granite-docling modern-bert mellum",
    pattern: `${gpt2Contraction}| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+`,
  },
  {
    // In the models' files digits are split off in a first pass and the pattern of GPT-2 sees what is between them,
    // so that a digit ends a run of spaces as the end of the text does. In one pass that is another look-ahead.
    names: "smollm starcoder refact command-r codeshell exaone minerva-7b mellum2",
    pattern: `${gpt2Contraction}| ?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+|\\s+(?![^\\s\\p{N}])|\\s+`,
  },
];

const byName = new Map(families.flatMap((family) => family.names.split(" ").map((name) => [name, family] as const)));

export const preTokenizerNames: readonly string[] = [...byName.keys()];

export function createPreTokenizer(name: string | undefined): PreTokenizer {
  const family = byName.get(name ?? "");
  if (family === undefined)
    throw new UnsupportedError(
      `tokenizer.ggml.pre: expected one of ${preTokenizerNames.join(", ")}, got ${name ?? "nothing"}. Use another model, or convert it again with a current converter.`,
      { expected: preTokenizerNames, got: name },
    );
  const { pattern, wholeWords = false, addBos = false } = family;
  const unicode = pattern.replaceAll("\\s", "\\p{White_Space}").replaceAll("\\S", "\\P{White_Space}");
  return { pattern: new RegExp(unicode, "uy"), wholeWords, addBos };
}
