/** Documents with facts in them, and a question about every fact: all as tokens that are the same whatever the order of documents. */
import { partsAround, type TextParts } from "../../engine/linked-text.ts";
import type { Engine } from "../../engine/types.ts";
import { InputError } from "../../runtime/errors.ts";
import { hasChat } from "../../tokenizer/chat-template.ts";
import { readJson } from "../data.ts";
import { renderParts } from "../prompt.ts";
import { hide } from "../tasks/needle/place.ts";
import type { Haystack } from "../types.ts";

interface FactsFile {
  readonly system: string;
  readonly facts: readonly {
    readonly needle: string;
    readonly question: string;
    readonly answerPrefix: string;
    /** What a right answer has in it. */
    readonly answer: string;
  }[];
}

export interface FactTexts extends TextParts {
  readonly questions: readonly { readonly restIds: Int32Array; readonly answer: string }[];
}

export interface FactTextsOptions {
  readonly haystack: Haystack;
  /** How many documents, and how many tokens each has at most. */
  readonly documents: number;
  readonly tokens: number;
  /** Other text for every sample, and another order of the documents. */
  readonly sample: number;
}

/** Facts go round: document i has facts i, i + documents, …, at even distances. */
export function factTexts(engine: Engine, options: FactTextsOptions): FactTexts {
  const { documents: count, sample } = options;
  const { tokenizer } = engine;
  const { system, facts } = readJson<FactsFile>("facts.json");
  if (count > facts.length)
    throw new InputError(`reuse: expected at most ${facts.length} documents, got ${count}. Give fewer --documents.`);
  const mode = hasChat(tokenizer) ? "chat+prefill" : "raw";
  const around = facts.map(({ question, answerPrefix }) =>
    partsAround((context) =>
      renderParts(tokenizer, { system, context, question: `\n\n${question}`, answerPrefix }, mode),
    ),
  );
  const documents = Array.from({ length: count }, (_, i) => {
    const index = (i + sample) % count;
    const own = facts.filter((_, fact) => fact % count === index).map(({ needle }) => needle);
    return documentOf(engine, own, index, options);
  });
  const questions = facts.map(({ answer }, i) => ({ restIds: around[i].rest, answer }));
  return { head: around[0].head, documents, questions };
}

function documentOf(engine: Engine, facts: readonly string[], index: number, options: FactTextsOptions): Int32Array {
  const { haystack, documents, tokens, sample } = options;
  const needles = facts.map((text, i) => ({ text, depth: (i + 0.5) / facts.length }));
  const encode = (words: number) => {
    const { text } = hide(haystack.words(words, (sample * documents + index) * tokens), needles, "\n");
    return engine.tokenizer.encode(`\n===== document ${index + 1} =====\n${text}\n`, { bos: false });
  };
  let words = tokens;
  for (;;) {
    const ids = encode(words);
    if (ids.length <= tokens) return ids;
    // Facts are of the same length in shorter texts: this comes near from above.
    words = Math.min(words - 1, Math.floor((words * tokens) / ids.length));
    if (words < 1)
      throw new InputError(
        `reuse: expected documents longer than their facts, got ${tokens} tokens. Give greater --lengths.`,
        { got: tokens },
      );
  }
}
