/** Where two prompts stop being the same, how much of the first the second can use, and what would make it more. No model needed. */
import { LEAST_REST } from "../engine/shared-prefix.ts";
import { PAGE_SLOTS } from "../ops/attention.ts";
import { formatCount } from "./statistics.ts";

/** A message's place in the rendered prompt, in characters: [begin, end) is its content. */
export interface MessageSpan {
  readonly role: string;
  readonly begin: number;
  readonly end: number;
}

/** A prompt as the model reads it. */
export interface RenderedPrompt {
  readonly tokens: ArrayLike<number>;
  /** What the tokens say, control tokens included. */
  readonly text: string;
  /** In the order of the text; none for a prompt without messages. */
  readonly messages: readonly MessageSpan[];
}

export interface Divergence {
  /** Index of the message in which the texts part; none if that is in between, in what the template writes. */
  readonly message?: number;
  readonly role?: string;
  /** In characters from the beginning of the message's content, or else of the prompt. */
  readonly offset: number;
  readonly before: string;
  readonly afterA: string;
  readonly afterB: string;
}

export interface Diagnosis {
  readonly tokensA: number;
  readonly tokensB: number;
  /** Index of the first token at which they differ. */
  readonly sharedTokens: number;
  /** Whole blocks of B that A's reading leaves. */
  readonly sharedBlocks: number;
  /** Tokens of those blocks over B's tokens, 0 to 1. */
  readonly reused: number;
  /** None if one prompt begins with all of the other. */
  readonly divergence?: Divergence;
  readonly advice: string;
}

/** Characters shown on each side. */
const SHOWN = 60;
/** Characters from which a message is worth moving: about a block. */
const LONG = 256;
/** A share of B that is reused from which nothing need be said. */
const GOOD_SHARE = 0.5;

/** What is different in every request. The first that fits is named. */
const changing: readonly [name: string, pattern: RegExp][] = [
  ["a UUID", /\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b/gi],
  ["a date or time", /\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?)?\b/g],
  ["a date or time", /\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b|\b\d{1,2}:\d\d(?::\d\d)?\b/g],
  [
    "a date or time",
    /\b(?:\d{1,2}(?:st|nd|rd|th|\.)? )?(?:jan|feb|mar|apr|may|june?|july?|aug|sep|oct|nov|dec)[a-z]*\.? \d{1,2}(?:st|nd|rd|th)?\b|\b\d{1,2}\.? (?:jan|feb|mar|apr|may|june?|july?|aug|sep|oct|nov|dec)[a-z]*\.?(?: \d{4})?\b/gi,
  ],
  ["a date or time", /\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b/gi],
  ["a hexadecimal identifier", /\b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,}\b/gi],
  ["a number", /\b\d+\b/g],
];

/** Compares a prompt that was read with one that comes after it. */
export function diagnose(a: RenderedPrompt, b: RenderedPrompt): Diagnosis {
  const [tokensA, tokensB] = [a.tokens.length, b.tokens.length];
  const sharedTokens = sharedLength(a.tokens, b.tokens);
  const usable = Math.min(sharedTokens, tokensB - LEAST_REST);
  const sharedBlocks = Math.max(0, Math.floor(usable / PAGE_SLOTS));
  const reused = tokensB === 0 ? 0 : (sharedBlocks * PAGE_SLOTS) / tokensB;
  const divergence = sharedTokens < Math.min(tokensA, tokensB) ? divergenceOf(a, b) : undefined;
  const counts = { tokensA, tokensB, sharedTokens, sharedBlocks, reused };
  return { ...counts, divergence, advice: adviceFor(a, b, counts, divergence) };
}

function divergenceOf(a: RenderedPrompt, b: RenderedPrompt): Divergence {
  const place = placeOf(a, b);
  const message = messageAt(b, place);
  const span = message === undefined ? undefined : b.messages[message];
  return {
    message,
    role: span?.role,
    offset: place - (span?.begin ?? 0),
    before: b.text.slice(Math.max(0, place - SHOWN), place),
    afterA: a.text.slice(place, place + SHOWN),
    afterB: b.text.slice(place, place + SHOWN),
  };
}

function adviceFor(
  a: RenderedPrompt,
  b: RenderedPrompt,
  { tokensA, tokensB, sharedTokens, reused }: Pick<Diagnosis, "tokensA" | "tokensB" | "sharedTokens" | "reused">,
  divergence: Divergence | undefined,
): string {
  if (sharedTokens === tokensB) return "All of B stands in A: this is as it should be.";
  if (sharedTokens === tokensA) return "B goes on where A ends: this is as it should be.";
  if (tokensB < PAGE_SLOTS + LEAST_REST)
    return `B is too short to be kept: ${PAGE_SLOTS} tokens make a block. There is nothing to gain.`;

  const place = placeOf(a, b);
  const where = nameOf(divergence?.message, divergence?.role);
  const moved = reused < GOOD_SHARE ? longestMoved(a, b, place) : undefined;
  const hasRest = reused < GOOD_SHARE && hasSameRest(a, b, place);
  const item = moved || hasRest ? changingAt(a, b, place) : undefined;
  if (item)
    return `The prompts part at ${item} near the beginning (${where}). Move it behind the long text, best into the last message: all before it is then reused.`;
  if (moved) {
    const { indexA, indexB, length } = moved;
    const places =
      indexA === indexB ? `message ${indexA} of both` : `message ${indexA} of A and message ${indexB} of B`;
    return `A text of ${formatCount(length)} characters, ${places}, stands behind what differs. Put it first in both, before ${where}.`;
  }
  if (hasRest)
    return `The same long text goes on behind what differs in ${where}. Put it first, and what differs behind it.`;
  if (divergence?.message !== undefined && divergence.message === b.messages.length - 1 && b.messages.length > 1)
    return "Only the last message differs: this is as it should be.";
  if (reused >= GOOD_SHARE) return "Most of B is reused. What changes could only stand nearer to its end.";
  return `The prompts part early, in ${where}. Put what stays the same first, and what changes last.`;
}

interface MovedText {
  readonly indexA: number;
  readonly indexB: number;
  /** In characters. */
  readonly length: number;
}

/** The longest message of B behind the place that A has as well, wherever. */
function longestMoved(a: RenderedPrompt, b: RenderedPrompt, place: number): MovedText | undefined {
  const inA = new Map(a.messages.map((span, index) => [contentOf(a, span), index]));
  let longest: MovedText | undefined;
  for (const [indexB, span] of b.messages.entries()) {
    const length = span.end - span.begin;
    const indexA = inA.get(contentOf(b, span));
    if (span.end <= place || length < Math.max(LONG, longest?.length ?? 0) || indexA === undefined) continue;
    longest = { indexA, indexB, length };
  }
  return longest;
}

/** Whether B goes on with a long text that A has as well: two samples of it, soon behind the place and halfway to the end. */
function hasSameRest(a: RenderedPrompt, { text }: RenderedPrompt, place: number): boolean {
  return [place + SHOWN, (place + text.length) >> 1].some((start) => {
    const sample = text.slice(start, start + LONG);
    return sample.length === LONG && a.text.includes(sample, place);
  });
}

/** What kind of changing text stands at the place in both, in each another. */
function changingAt(a: RenderedPrompt, b: RenderedPrompt, place: number): string | undefined {
  const start = Math.max(0, place - SHOWN);
  const itemIn = ({ text }: RenderedPrompt, pattern: RegExp) =>
    [...text.slice(start, place + SHOWN).matchAll(pattern)].find(
      ({ index, 0: { length } }) => start + index <= place && place <= start + index + length,
    )?.[0];
  return changing.find(([, pattern]) => {
    const [inA, inB] = [itemIn(a, pattern), itemIn(b, pattern)];
    return inA !== undefined && inB !== undefined && inA !== inB;
  })?.[0];
}

/** The first character at which they differ: not between two halves of one, and not behind a text that ends. */
function placeOf(a: RenderedPrompt, b: RenderedPrompt): number {
  const place = sharedLength(a.text, b.text);
  return /[\ud800-\udbff]/.test(a.text[place - 1] ?? "") ? place - 1 : place;
}

/** Also the message that ends there: what is missing is missing in it. */
function messageAt({ messages }: RenderedPrompt, place: number): number | undefined {
  const index = messages.findIndex(({ begin, end }) => begin <= place && place <= end);
  return index === -1 ? undefined : index;
}

function nameOf(message: number | undefined, role: string | undefined): string {
  return message === undefined ? "what stands between the messages" : `message ${message}, ${role}`;
}

function contentOf({ text }: RenderedPrompt, { begin, end }: MessageSpan): string {
  return text.slice(begin, end);
}

function sharedLength<T>(a: ArrayLike<T>, b: ArrayLike<T>): number {
  const least = Math.min(a.length, b.length);
  for (let i = 0; i < least; i++) if (a[i] !== b[i]) return i;
  return least;
}
