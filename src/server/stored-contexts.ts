/** Texts that are kept on disk, as clients see and change them: by id, which is the key of their last block. */
import type { DiskBlockStore } from "../hub/block-store.ts";
import { type Context, contextsOf, keysOnlyOf, withAllBefore } from "../hub/contexts.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { blockHeadOf } from "./block-head.ts";
import { RequestError } from "./errors.ts";

export interface ShownContext extends Omit<Context, "key" | "keys" | "usedAt"> {
  readonly id: string;
  readonly blocks: number;
  /** ISO 8601 */
  readonly usedAt: string;
  readonly isPinned: boolean;
  /** How the text begins; null where another model has read it. */
  readonly firstWords: string | null;
}

const SHOWN_CHARACTERS = 80;

export class StoredContexts {
  private readonly store: DiskBlockStore;
  private readonly tokenizer: Tokenizer;
  private readonly model: string;
  /** By key of the first block: it is read once. */
  private readonly words = new Map<string, string>();

  constructor(store: DiskBlockStore, { tokenizer, model }: { tokenizer: Tokenizer; model: string }) {
    this.store = store;
    this.tokenizer = tokenizer;
    this.model = model;
  }

  /** The most recently used first. */
  async list(): Promise<ShownContext[]> {
    const contexts = contextsOf(await this.store.list());
    const pins = await this.store.pins();
    const shown: ShownContext[] = [];
    for (const context of contexts) shown.push(await this.show(context, pins));
    return shown;
  }

  /** Removes it, but for what others share with it. Throws RequestError 404, or 409 for one that is pinned. */
  async drop(id: string): Promise<void> {
    expectId(id);
    const blocks = await this.store.list();
    const contexts = contextsOf(blocks);
    const context = find(id, contexts);
    const pins = await this.store.pins();
    if (pins.has(id))
      throw new RequestError(409, `The context ${id} is pinned. Take the pin back first: POST /v1/cache/${id}/unpin.`);
    const staying = withAllBefore(pins, blocks);
    await this.store.remove(keysOnlyOf([context], contexts).filter((key) => !staying.has(key)));
  }

  /** From now on it is never removed to make room. Throws RequestError 404, or 409 for one of which blocks are missing. */
  async pin(id: string): Promise<ShownContext> {
    expectId(id);
    const context = find(id, contextsOf(await this.store.list()));
    if (!context.isComplete) throw incomplete(id);
    await this.store.pin(id);
    // Another process may have made room just before it saw the pin.
    const there = new Set((await this.store.list()).map(({ key }) => key));
    if (!context.keys.every((key) => there.has(key))) {
      await this.store.unpin(id);
      throw incomplete(id);
    }
    return this.show(context, await this.store.pins());
  }

  /** Takes its pin back, or those of its beginnings if it has none itself. Throws RequestError 404. */
  async unpin(id: string): Promise<ShownContext> {
    expectId(id);
    const context = find(id, contextsOf(await this.store.list()));
    const pins = await this.store.pins();
    const own = pins.has(id) ? [id] : context.keys.filter((key) => pins.has(key));
    for (const key of own) await this.store.unpin(key);
    return this.show(context, await this.store.pins());
  }

  private async show({ key, keys, usedAt, ...facts }: Context, pins: ReadonlySet<string>): Promise<ShownContext> {
    const isOurs = facts.model === this.model && facts.isComplete;
    return {
      id: key,
      ...facts,
      blocks: keys.length,
      usedAt: usedAt.toISOString(),
      isPinned: pins.has(key),
      firstWords: isOurs ? await this.wordsOf(keys[keys.length - 1]) : null,
    };
  }

  private async wordsOf(first: string): Promise<string | null> {
    const known = this.words.get(first);
    if (known !== undefined) return known;
    const head = blockHeadOf((await this.store.get(first)) ?? new Uint8Array());
    if (!head || head.tokens.some((id) => id >= this.tokenizer.vocabularySize)) return null;
    const words = this.tokenizer.decode(head.tokens).replace(/\s+/g, " ").trim().slice(0, SHOWN_CHARACTERS);
    this.words.set(first, words);
    return words;
  }
}

function find(id: string, contexts: readonly Context[]): Context {
  const found = contexts.find(({ key }) => key === id);
  if (found) return found;
  throw unknown(id);
}

/** Before the folder is looked through. */
function expectId(id: string): void {
  if (!/^[0-9a-f]{64}$/.test(id)) throw unknown(id);
}

function unknown(id: string): RequestError {
  return new RequestError(404, `There is no context with the id ${JSON.stringify(id)}. GET /v1/cache lists them.`);
}

function incomplete(id: string): RequestError {
  return new RequestError(409, `Of the context ${id} blocks are missing. Read its text again, then pin it.`);
}
