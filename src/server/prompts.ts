/** Prompts of plain completions: text, token ids, several of either, or text around a gap (`suffix`). */
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { CompletionRequest } from "./chat-request.ts";
import { RequestError } from "./errors.ts";

export interface TextPrompt {
  readonly ids: Int32Array;
  readonly text: string;
}

/** Throws RequestError for ids that the vocabulary lacks, and for a suffix where the model knows none. */
export function promptsOf(tokenizer: Tokenizer, { prompt, suffix, echo }: CompletionRequest): TextPrompt[] {
  const prompts: readonly (string | readonly number[])[] =
    typeof prompt === "string" || typeof prompt[0] === "number"
      ? [prompt as string | number[]]
      : (prompt as (string | number[])[]);
  if (suffix != null && echo)
    throw new RequestError(400, "echo: expected none beside suffix. Leave one out.", { param: "echo" });
  return prompts.map((given) => {
    if (suffix != null) return aroundGap(tokenizer, given, suffix);
    if (typeof given === "string") return { ids: tokenizer.encode(given), text: given };
    return { ids: checkedIds(tokenizer, given), text: tokenizer.decode(given, { special: true }) };
  });
}

function checkedIds({ vocabularySize }: Tokenizer, ids: readonly number[]): Int32Array {
  const wrong = ids.find((id) => id >= vocabularySize);
  if (wrong === undefined) return Int32Array.from(ids);
  throw new RequestError(400, `prompt: expected token ids below ${vocabularySize}, got ${wrong}. Use this model's.`, {
    param: "prompt",
  });
}

/** Fill in the middle, as code models were trained for it (arXiv 2207.14255): prefix, suffix, then what belongs between them. */
function aroundGap(tokenizer: Tokenizer, given: string | readonly number[], suffix: string): TextPrompt {
  const { specialTokens } = tokenizer;
  const spelling = ["<|fim_PART|>", "<fim_PART>"].find((name) => specialTokens.has(name.replace("PART", "middle")));
  if (!spelling)
    throw new RequestError(400, "suffix: expected none, this model cannot fill in gaps. Use a code model.", {
      param: "suffix",
    });
  const mark = (part: string) => specialTokens.get(spelling.replace("PART", part))!;
  const prefix = typeof given === "string" ? tokenizer.encode(given, { bos: false }) : checkedIds(tokenizer, given);
  const rest = tokenizer.encode(suffix, { bos: false });
  const ids = [mark("prefix"), ...prefix, mark("suffix"), ...rest, mark("middle")];
  return { ids: Int32Array.from(ids), text: "" };
}
