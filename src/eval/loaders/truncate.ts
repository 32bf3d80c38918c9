/**
 * Cuts documents so that prompt and answer fit. "middle" keeps the first and the last half of the prompt's tokens
 * (LongBench, LooGLE, InfiniteBench), "right" the beginning of the document (HELMET), "none" refuses what is too long. What
 * stands around the document, the question above all, is never cut.
 */
import { InputError } from "../../runtime/errors.ts";
import type { Cell, Parts } from "../types.ts";

export type Truncation = "middle" | "right" | "none";

export interface Document {
  /** What stands before and behind the document in the prompt's text. */
  readonly before: string;
  readonly text: string;
  readonly after: string;
}

export interface Fitted {
  readonly text: string;
  /** Tokens of the document that were left out. */
  readonly truncatedTokens: number;
}

/** `partsOf` makes the prompt of a document, `where` names the sample in errors. */
export function fitDocument(
  cell: Cell,
  { before, text }: Document,
  how: Truncation,
  maxTokens: number,
  partsOf: (document: string) => Parts,
  where: string,
): Fitted {
  const spare = (document: string) => cell.length - maxTokens - cell.promptTokens(partsOf(document));
  const left = spare(text);
  if (left >= 0) return { text, truncatedTokens: 0 };
  let room = how === "none" ? left : spare("");
  if (room < 0)
    throw new InputError(
      `${where}: expected at least ${cell.length - room} tokens for ${how === "none" ? "prompt" : "question"} and answer, got ${cell.length}. Raise the length or remove the sample.`,
      { expected: cell.length - room, got: cell.length },
    );
  // Halves of the whole prompt: the instruction takes its tokens from the first, the question from the last.
  const firstHalf = Math.floor((cell.length - maxTokens) / 2) - cell.countTokens(before);
  for (;;) {
    const head = how === "right" ? room : Math.min(Math.max(firstHalf, 0), room);
    const kept = startOf(cell, text, head) + endOf(cell, text, room - head);
    const over = -spare(kept);
    // Tokens may join anew where the pieces meet: one or two too many at most, and never for ever, as room shrinks.
    if (over <= 0 || room === 0)
      return { text: kept, truncatedTokens: cell.countTokens(text) - cell.countTokens(kept) };
    room = Math.max(0, room - over);
  }
}

type Counter = Pick<Cell, "countTokens">;

/** The longest beginning of a text with at most so many tokens. */
export function startOf({ countTokens }: Counter, text: string, tokens: number): string {
  const cost = (end: number, begin = 0) => countTokens(text.slice(begin, end));
  const end = longest(text.length, cost, tokens);
  return text.slice(0, isInsideCharacter(text, end) ? end - 1 : end);
}

export function endOf({ countTokens }: Counter, text: string, tokens: number): string {
  const at = (fromEnd: number) => text.length - fromEnd;
  const cost = (end: number, begin = 0) => countTokens(text.slice(at(end), at(begin)));
  const begin = at(longest(text.length, cost, tokens));
  return text.slice(isInsideCharacter(text, begin) ? begin + 1 : begin);
}

/** Units looked at around a cut to move it to the end of a token. */
const NEAR = 100;

/** Most UTF-16 units that cost at most `tokens`: guesses by proportion, halving every other time. */
function longest(length: number, cost: (end: number, begin?: number) => number, tokens: number): number {
  if (tokens <= 0) return 0;
  let [low, lowCost, high, highCost] = [0, 0, length, cost(length)];
  if (highCost <= tokens) return length;
  for (let turn = 0; high - low > 1 && lowCost < tokens; turn++) {
    const share = turn % 2 === 0 ? (tokens - lowCost) / (highCost - lowCost) : 0.5;
    const at = Math.min(Math.max(low + Math.round((high - low) * share), low + 1), high - 1);
    const atCost = cost(at);
    if (atCost <= tokens) [low, lowCost] = [at, atCost];
    else [high, highCost] = [at, atCost];
  }
  // The count is right, the place may be inside of a token: on to its end, counting the neighbourhood alone.
  const begin = Math.max(0, low - NEAR);
  const nearby = cost(low, begin);
  let end = low;
  while (end < Math.min(high - 1, low + NEAR) && cost(end + 1, begin) <= nearby) end++;
  return end;
}

function isInsideCharacter(text: string, at: number): boolean {
  return /[\uDC00-\uDFFF]/.test(text[at] ?? "") && /[\uD800-\uDBFF]/.test(text[at - 1] ?? "");
}
