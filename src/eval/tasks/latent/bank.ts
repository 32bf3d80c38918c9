/** The needle bank, and haystacks that are kept free of what would give a needle away. */
import { InputError } from "../../../runtime/errors.ts";
import { readJson } from "../../data.ts";
import { createHaystack } from "../../haystack.ts";
import type { Haystack } from "../../types.ts";
import { contentStems } from "./stem.ts";

export interface Item {
  readonly id: string;
  /** Steps of common knowledge from the needle to what is asked. */
  readonly hops: 1 | 2;
  /** A sentence with {CHAR}, the character. */
  readonly needle: string;
  /** Shares no word of meaning with the needle. */
  readonly question: string;
  /** The same fact, asked in the needle's own words. */
  readonly literal: string;
}

export interface Bank {
  readonly source: string;
  readonly license: string;
  /** With {text}. */
  readonly context: string;
  /** With {question}. */
  readonly question: string;
  readonly answerPrefix: string;
  readonly maxTokens: number;
  /** Of characters; none of them occurs in a haystack that is used. */
  readonly names: readonly string[];
  readonly functionWords: readonly string[];
  readonly items: readonly Item[];
}

export const bank = readJson<Bank>("latent.json");
export const functionWords: ReadonlySet<string> = new Set(bank.functionWords);

const cleaned = new WeakMap<Haystack, Haystack>();

/**
 * The haystack without the sentences that hold a character's name or a word of meaning of any question. One text for the
 * whole bank, so that samples can share it. Made once a haystack.
 */
export function cleanHaystack(haystack: Haystack): Haystack {
  const known = cleaned.get(haystack);
  if (known) return known;
  const words = [...bank.names, ...bank.items.map(({ question }) => question)];
  const unwanted = new Set(words.flatMap((text) => contentStems(text, functionWords)));
  const kept = haystack.sentences.filter(
    (sentence) => !contentStems(sentence, functionWords).some((stem) => unwanted.has(stem)),
  );
  if (kept.length === 0)
    throw new InputError(
      `haystack "${haystack.name}": expected a sentence without a word of the latent questions, got none. Take a longer text.`,
      { got: haystack.sentences.length },
    );
  const clean = createHaystack({ name: haystack.name, text: kept.join(" "), license: haystack.license });
  cleaned.set(haystack, clean);
  return clean;
}
