/**
 * A session's text in a store of blocks: the beginning that was read before is put back, what is read is stored. A block is
 * found by the hash of its tokens and of the block before it, so a text is only ever continued by what it was read with.
 */
import { PAGE_SLOTS } from "../ops/attention.ts";
import type { ControllerMethods } from "./controller-methods.ts";
import type { Caller } from "./rpc.ts";
import { MOST_STEPS } from "./shared-prefix.ts";
import type { BlockStore } from "./types.ts";

/** Blocks that are fetched at once. */
const BATCH = 8;
const KEY_BYTES = 32;

export interface StoredTextParts {
  readonly store: BlockStore;
  /** Hash of all that the pages of a text depend on besides its tokens. */
  readonly seed: Uint8Array;
  readonly model: string;
  /** Blocks of the session. */
  exportBlocks(first: number, count: number): Promise<(Uint8Array | undefined)[]>;
  importBlocks(blocks: Uint8Array[]): Promise<void>;
}

type SessionBlocks = Pick<StoredTextParts, "exportBlocks" | "importBlocks">;

/** Of the text as it was read; or, below a selection, of the layers that read all of it. */
export function blocksOf(
  caller: Caller<ControllerMethods>,
  session: number,
  { isBelow = false }: { isBelow?: boolean } = {},
): SessionBlocks {
  return {
    exportBlocks: (first, count) => caller.call("exportBlocks", { session, first, count, isBelow }),
    importBlocks: (blocks) => caller.call("importBlocks", { session, blocks, isBelow }),
  };
}

export class StoredText {
  private readonly parts: StoredTextParts;
  /** The text, as long as it was read from its beginning in chunks. */
  private ids: number[] = [];
  /** Keys of its full blocks that are stored. */
  private keys: Uint8Array[] = [];
  /** Slots were dropped, or blocks cannot be stored. */
  private isOver = false;
  private writing: Promise<void> = Promise.resolve();

  constructor(parts: StoredTextParts, from?: StoredText) {
    this.parts = parts;
    if (!from) return;
    this.ids = [...from.ids];
    this.keys = [...from.keys];
    this.isOver = from.isOver;
  }

  /** Of a session that goes on from where this one's stands. */
  fork(blocks: SessionBlocks): StoredText {
    return new StoredText({ ...this.parts, ...blocks }, this);
  }

  /** Puts the stored beginning of a text into an empty session, but for `rest` tokens at least. Gives how many tokens that are. */
  async restore(tokenIds: Int32Array, rest: number): Promise<number> {
    const { store, importBlocks } = this.parts;
    const count = Math.max(0, Math.floor((tokenIds.length - rest) / PAGE_SLOTS));
    this.forget(0);
    let isKnown = true;
    for (let first = 0; first < count && isKnown; first += BATCH) {
      const wanted: { key: Uint8Array; parent: Uint8Array; tokens: Int32Array }[] = [];
      for (let n = first; n < Math.min(count, first + BATCH); n++) {
        const parent = wanted.at(-1)?.key ?? this.lastKey;
        const tokens = tokenIds.slice(n * PAGE_SLOTS, (n + 1) * PAGE_SLOTS);
        wanted.push({ key: await keyOf(parent, tokens), parent, tokens });
      }
      const payloads = await Promise.all(wanted.map(({ key }) => store.get(hex(key))));
      const found = payloads.findIndex(
        (payload, i) => !payload || !isBlockOf(payload, wanted[i].parent, wanted[i].tokens),
      );
      const whole = found === -1 ? wanted.length : found;
      isKnown = whole === wanted.length;
      const blocks = payloads.slice(0, whole).map((payload) => (payload as Uint8Array).subarray(headBytes));
      if (blocks.length > 0) await importBlocks(blocks);
      for (const { key, tokens } of wanted.slice(0, whole)) {
        this.keys.push(key);
        this.ids.push(...tokens);
      }
    }
    return this.ids.length;
  }

  /** A chunk was read behind `begin` tokens: stores the blocks that it completed, if all before it was read in chunks as well. */
  async add(chunk: Int32Array, begin: number): Promise<void> {
    if (this.isOver || chunk.length <= MOST_STEPS || begin !== this.ids.length) return;
    this.ids.push(...chunk);
    const first = this.keys.length;
    const full = Math.floor(this.ids.length / PAGE_SLOTS);
    if (full === first) return;
    const blocks = await this.parts.exportBlocks(first, full - first);
    await this.writing;
    const puts: Promise<void>[] = [];
    for (const [i, block] of blocks.entries()) {
      this.isOver ||= block === undefined;
      if (!block || this.isOver) break;
      const parent = this.lastKey;
      const tokens = Int32Array.from(this.ids.slice((first + i) * PAGE_SLOTS, (first + i + 1) * PAGE_SLOTS));
      const key = await keyOf(parent, tokens);
      const about = {
        model: this.parts.model,
        tokens: (first + i + 1) * PAGE_SLOTS,
        ...(this.keys.length > 0 && { parent: hex(parent) }),
      };
      // What cannot be stored is no reason to stop reading; the store says what is wrong.
      const put = this.parts.store.put(hex(key), payloadOf(parent, tokens, block), about);
      puts.push(put.catch(() => this.end()));
      this.keys.push(key);
    }
    this.writing = Promise.all(puts).then(() => {});
  }

  /** The session was cut to its first `length` tokens. */
  forget(length: number): void {
    if (length === 0) this.isOver = false;
    this.ids.length = Math.min(this.ids.length, length);
    this.keys.length = Math.min(this.keys.length, Math.floor(length / PAGE_SLOTS));
  }

  /** Slots are dropped: pages are no longer those of the text. */
  end(): void {
    this.isOver = true;
  }

  /** When all that was read is stored. */
  settled(): Promise<void> {
    return this.writing;
  }

  private get lastKey(): Uint8Array {
    return this.keys.at(-1) ?? this.parts.seed;
  }
}

/** Keys of a text's full blocks, in order. */
export async function keysOf(seed: Uint8Array, tokenIds: Int32Array): Promise<string[]> {
  const keys: string[] = [];
  let parent = seed;
  for (let end = PAGE_SLOTS; end <= tokenIds.length; end += PAGE_SLOTS) {
    parent = await keyOf(parent, tokenIds.subarray(end - PAGE_SLOTS, end));
    keys.push(hex(parent));
  }
  return keys;
}

/** parent [32 bytes], tokens u32 [64]; the pages follow. */
const headBytes = KEY_BYTES + PAGE_SLOTS * 4;

function payloadOf(parent: Uint8Array, tokens: Int32Array, block: Uint8Array): Uint8Array {
  const payload = new Uint8Array(headBytes + block.length);
  payload.set(parent);
  payload.set(littleEndian(tokens), KEY_BYTES);
  payload.set(block, headBytes);
  return payload;
}

function isBlockOf(payload: Uint8Array, parent: Uint8Array, tokens: Int32Array): boolean {
  const head = [...parent, ...littleEndian(tokens)];
  return payload.length > headBytes && head.every((byte, i) => payload[i] === byte);
}

function keyOf(parent: Uint8Array, tokens: Int32Array): Promise<Uint8Array> {
  const bytes = new Uint8Array(KEY_BYTES + tokens.length * 4);
  bytes.set(parent);
  bytes.set(littleEndian(tokens), KEY_BYTES);
  return sha256(bytes);
}

function littleEndian(tokens: Int32Array): Uint8Array {
  const bytes = new Uint8Array(tokens.length * 4);
  const view = new DataView(bytes.buffer);
  tokens.forEach((token, i) => {
    view.setUint32(i * 4, token, true);
  });
  return bytes;
}

export async function sha256(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>));
}

export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
