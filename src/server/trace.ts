/**
 * What an answer made of its prompt, for clients that ask with `return_trace`: by blocks of 64 tokens, how much was attended to and
 * how much is still held; and the passages that were attended to most, as places in the longest text of the messages.
 */
import { placeOfText, type SoughtText } from "../documents/text-place.ts";
import { attendedPassages } from "../engine/attended-passages.ts";
import { attentionScores } from "../engine/attention-scores.ts";
import type { KeptSlots, Session } from "../engine/types.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { ChatRequest, CompletionRequest } from "./chat-request.ts";
import { RequestError } from "./errors.ts";

const BLOCK_TOKENS = 64;
const PASSAGES = 5;

export interface Trace {
  readonly prompt_tokens: number;
  readonly cached_tokens: number;
  /** Of the prompt, held by a KV head on average. */
  readonly kept_tokens: number;
  readonly block_tokens: number;
  /** The text whose characters are counted; null where the prompt's tokens do not give it back as it was. */
  readonly text: { readonly message: number; readonly part: number } | null;
  readonly blocks: readonly TracedBlock[];
  /** The one attended to most first. */
  readonly passages: readonly TracedPassage[];
}

export interface TracedBlock {
  /** Of the attention that retrieval heads give the whole text: 0 to 1. Sinks and recency do not count. */
  readonly attended: number;
  /** Of the KV heads that may drop, the share that still holds its slots, 0 to 1. */
  readonly kept: number;
  /** Characters [start, end) of the text; alike where the block has none of it. */
  readonly start: number;
  readonly end: number;
}

export interface TracedPassage {
  readonly first_token: number;
  readonly end_token: number;
  readonly start: number;
  readonly end: number;
  /** The character that is attended to most. */
  readonly peak: number;
  readonly share: number;
  readonly excerpt: string;
}

/** A message's text, whole or in parts. */
export type MessageParts = readonly string[];

export interface TraceOptions {
  readonly tokenizer: Tokenizer;
  readonly promptIds: Int32Array;
  readonly cachedTokens: number;
  /** None for a prompt of bare tokens. */
  readonly messages: readonly MessageParts[];
}

/** What a request with `return_trace` has done when its answer is written. Throws RequestError for more than one answer. */
export function tracerOf(
  request: ChatRequest | CompletionRequest,
  prompt: Pick<TraceOptions, "tokenizer" | "promptIds">,
): (session: Session, cachedTokens: number) => Promise<Trace> {
  if ((request.n ?? 1) > 1)
    throw new RequestError(400, `return_trace: expected one answer, got n = ${request.n}. Ask once for each answer.`, {
      param: "return_trace",
    });
  const messages = partsOf(request);
  return (session, cachedTokens) => traceOf(session, { ...prompt, cachedTokens, messages });
}

function partsOf(request: ChatRequest | CompletionRequest): MessageParts[] {
  if (!("messages" in request)) return typeof request.prompt === "string" ? [[request.prompt]] : [];
  return (request as ChatRequest).messages.map(({ content }) =>
    typeof content === "string" ? [content] : (content ?? []).map(({ text }) => text),
  );
}

/** Of a session with a trace that has written an answer. */
export async function traceOf(session: Session, options: TraceOptions): Promise<Trace> {
  const { tokenizer, promptIds, cachedTokens, messages } = options;
  const { length } = promptIds;
  const sought = longestPart(messages);
  const place = sought && placeOfText(tokenizer, promptIds, sought);
  const { begin, end } = place ?? { begin: 0, end: length };
  const heads = await session.trace();
  const scores = attentionScores(heads, { begin, end });
  const total = scores.reduce((sum, score) => sum + score, 0);
  const kept = keptByBlock(await session.kept(), length);
  const characterAt = (position: number) =>
    place ? place.characterAt(Math.min(place.end, Math.max(place.begin, position))) : 0;

  const blocks = kept.map((share, block) => {
    const [from, to] = [BLOCK_TOKENS * block, Math.min(length, BLOCK_TOKENS * (block + 1))];
    const inside = scores.subarray(Math.max(0, from - begin), Math.max(0, to - begin));
    const attended = total === 0 ? 0 : inside.reduce((sum, score) => sum + score, 0) / total;
    return { attended: rounded(attended), kept: rounded(share), start: characterAt(from), end: characterAt(to) };
  });
  const passages = attendedPassages(heads, { begin, end, count: PASSAGES }).map((passage) => ({
    first_token: passage.begin,
    end_token: passage.end,
    start: characterAt(passage.begin),
    end: characterAt(passage.end),
    peak: characterAt(passage.peak),
    share: rounded(passage.share),
    excerpt: tokenizer.decode(promptIds.subarray(passage.begin, passage.end)),
  }));
  const held = kept.reduce(
    (sum, share, block) => sum + share * Math.min(BLOCK_TOKENS, length - BLOCK_TOKENS * block),
    0,
  );
  return {
    ...{
      prompt_tokens: length,
      cached_tokens: cachedTokens,
      kept_tokens: Math.round(held),
      block_tokens: BLOCK_TOKENS,
    },
    text: place && sought ? { message: sought.message, part: sought.part } : null,
    ...{ blocks, passages },
  };
}

/** A document, in a conversation about one. */
function longestPart(messages: readonly MessageParts[]): (SoughtText & { part: number }) | undefined {
  const texts = messages.map((parts) => parts.join(""));
  const all = messages.flatMap((parts, message) => {
    let at = 0;
    return parts.map((text, part) => {
      const begin = at;
      at += text.length;
      return { message, part, begin, end: at, messages: texts };
    });
  });
  const sizeOf = ({ begin, end }: SoughtText) => end - begin;
  const longest = all.reduce<(typeof all)[number] | undefined>(
    (most, part) => (most && sizeOf(most) >= sizeOf(part) ? most : part),
    undefined,
  );
  return longest && texts[longest.message].slice(longest.begin, longest.end).trim() !== "" ? longest : undefined;
}

/** For each block, the share of slots that heads hold; all of it where no layer may drop. */
function keptByBlock(slots: readonly KeptSlots[], length: number): number[] {
  const counts = new Float64Array(Math.ceil(length / BLOCK_TOKENS));
  const dropping = slots.filter(({ drops }) => drops);
  for (const { positions } of dropping)
    for (const position of positions) if (position < length) counts[Math.floor(position / BLOCK_TOKENS)]++;
  return Array.from(counts, (count, block) =>
    dropping.length === 0 ? 1 : count / dropping.length / Math.min(BLOCK_TOKENS, length - BLOCK_TOKENS * block),
  );
}

function rounded(share: number): number {
  return Number(share.toFixed(5));
}
