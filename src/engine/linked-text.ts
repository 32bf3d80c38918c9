/**
 * Documents put together in any order, though each was read by itself: a document's whole blocks of 64 tokens are linked
 * (Session.link), all but its first `recompute` tokens. A text's first tokens draw attention because they are the first; read anew
 * where they stand now, they no longer do (LegoLink, arXiv 2410.15332, section 3). Documents are read behind the prompt's head, which
 * then is what comes first for all of them. The first document, what is left of others behind their last block, and the question
 * are read where they stand. The result does not depend on what was in the store.
 */
import type { Plan } from "../context/plan.ts";
import { PAGE_SLOTS } from "../ops/attention.ts";
import { commonPrefix } from "./shared-prefix.ts";
import type { BlockStore, Engine, Session } from "./types.ts";

/** First tokens of a document that are computed anew, where nothing else is said. */
export const DEFAULT_RECOMPUTE = 16;

/** Token ids of a prompt. */
export interface TextParts {
  readonly head: Int32Array;
  readonly documents: readonly Int32Array[];
  /** What follows the documents, if it is to be read as well. */
  readonly rest?: Int32Array;
}

export interface LinkTextsOptions {
  readonly plan?: Plan;
  /** Where documents are found that were read before. */
  readonly store?: BlockStore;
  readonly trace?: boolean;
  /** First tokens that are computed anew, of every document that is linked. Default: 16. */
  readonly recompute?: number;
  /** Reads documents without the head before them, as the paper does: the first one is then linked as well. */
  readonly isolated?: boolean;
  readonly signal?: AbortSignal;
  /** In tokens of all parts. */
  readonly onProgress?: (doneTokens: number, totalTokens: number) => void;
}

export interface LinkedText {
  /** The caller's own, to go on reading in. */
  readonly session: Session;
  /** Tokens that were computed for it, some of them twice: in their document by itself, and where they stand now. */
  readonly readTokens: number;
}

export async function linkTexts(
  engine: Engine,
  { head, documents, rest }: TextParts,
  options: LinkTextsOptions = {},
): Promise<LinkedText> {
  const { plan, store, trace, recompute = DEFAULT_RECOMPUTE, isolated = false, signal, onProgress } = options;
  const lead = isolated ? head.subarray(0, 0) : head;
  const total = joined(head, ...documents, rest ?? []).length;
  let readTokens = 0;
  let furthest = 0;
  const report = (place: number) => {
    furthest = Math.max(furthest, place);
    onProgress?.(furthest, total);
  };
  /** Reads on in a session, from `place` of all tokens on. */
  const read = async (session: Session, tokenIds: Int32Array, place: number, compress = false) => {
    if (tokenIds.length === 0) return;
    const onRead = (tokens: number) => report(place + tokens);
    await session.prefill(tokenIds, { compress, signal, onProgress: onRead });
    readTokens += tokenIds.length - session.restored;
  };

  const session = await engine.session({ plan, store, trace });
  const linkBlocks = async (text: Int32Array, start: number) => {
    const reader = await engine.session({ plan, store });
    try {
      const restored = await reader.restore(text);
      await read(reader, text.subarray(restored), session.length + restored - start);
      await session.link(reader, { start, signal });
      report(session.length);
    } finally {
      await reader.dispose();
    }
  };
  try {
    const inPlace = isolated ? 0 : 1;
    /** Follows what the session has read. */
    let next = [head, ...documents.slice(0, inPlace)];
    for (const document of documents.slice(inPlace)) {
      const text = joined(lead, document);
      const end = text.length - (text.length % PAGE_SLOTS);
      const start = lead.length + recompute;
      if (start >= end) {
        next.push(document);
        continue;
      }
      await read(session, joined(...next, text.subarray(lead.length, start)), session.length);
      await linkBlocks(text.subarray(0, end), start);
      next = [text.subarray(end)];
    }
    await read(session, joined(...next, rest ?? []), session.length, rest !== undefined);
    return { session, readTokens };
  } catch (error) {
    await session.dispose();
    throw error;
  }
}

/** What a prompt has before and behind a text, whatever the text is: the tokens that it has with either of two letters. */
export function partsAround(render: (text: string) => Int32Array): { head: Int32Array; rest: Int32Array } {
  const [one, other] = [render("A"), render("B")];
  const cut = commonPrefix(one, other);
  const behind = commonPrefix(one.slice(cut).reverse(), other.slice(cut).reverse());
  return { head: one.slice(0, cut), rest: one.slice(one.length - behind) };
}

function joined(...pieces: readonly ArrayLike<number>[]): Int32Array {
  const all = new Int32Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
