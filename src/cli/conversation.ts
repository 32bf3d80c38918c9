/**
 * What to read next so that a session holds a whole conversation: only the tokens that are new.
 * The template renders the longer conversation; what follows the part already held is appended. Answers stay as they
 * were generated, even where the tokenizer would now cut the same text differently.
 */
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { type Exchange, renderPrompt } from "./prompt.ts";

export interface Turn {
  /** To be prefilled. */
  readonly tokenIds: Int32Array;
  /** The template rewrote what the session holds: start an empty session and prefill everything. */
  readonly restart: boolean;
}

export class Conversation {
  private readonly tokenizer: Tokenizer;
  private readonly document: string;
  private exchanges: Exchange[] = [];
  /** The last rendering; the session holds it up to `heldLength`, its answers in their generated form. */
  private rendered = new Int32Array(0);
  private generated: number[] = [];

  constructor(tokenizer: Tokenizer, document: string) {
    this.tokenizer = tokenizer;
    this.document = document;
  }

  /** A new question. */
  ask(question: string): Turn {
    this.exchanges.push({ question });
    const next = renderPrompt(this.tokenizer, this.document, this.exchanges);
    const start = this.startOfNew(next);
    this.rendered = Int32Array.from(next);
    this.generated = [];
    return start === undefined ? { tokenIds: next, restart: true } : { tokenIds: next.subarray(start), restart: false };
  }

  /** The answer as it was generated, complete or stopped. */
  answered(text: string, tokenIds: readonly number[]): void {
    const question = this.exchanges.at(-1)!.question;
    this.exchanges[this.exchanges.length - 1] = { question, answer: text };
    this.generated = [...tokenIds];
  }

  /** Takes the last question back after its prefill stopped with `missing` tokens not read. */
  withdraw(missing: number): void {
    this.exchanges.pop();
    this.rendered = this.rendered.slice(0, this.rendered.length - missing);
  }

  /** Index in `next` of the first token that the session does not hold; undefined if it holds something else. */
  private startOfNew(next: Int32Array): number | undefined {
    if (!startsWith(next, 0, this.rendered)) return undefined;
    const answer = this.exchanges.at(-2)?.answer;
    if (answer === undefined || this.generated.length === 0) return this.rendered.length;
    const last = this.generated.at(-1)!;
    const ended = this.tokenizer.endIds.has(last);
    const answerIds = ended ? this.generated.slice(0, -1) : this.generated;
    for (const ids of [answerIds, this.tokenizer.encode(answer, { bos: false })]) {
      if (!startsWith(next, this.rendered.length, ids)) continue;
      const end = this.rendered.length + ids.length;
      return ended && next[end] === last ? end + 1 : end;
    }
    return undefined;
  }
}

function startsWith(ids: Int32Array, at: number, prefix: ArrayLike<number>): boolean {
  if (at + prefix.length > ids.length) return false;
  for (let i = 0; i < prefix.length; i++) if (ids[at + i] !== prefix[i]) return false;
  return true;
}
