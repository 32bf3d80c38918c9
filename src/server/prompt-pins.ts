/**
 * Pins that requests ask for with `cache_control`: texts that the disk cache does not drop to make room. The newest 16, never
 * more than half of what the cache may take, and only as long as the server runs.
 */
import type { DiskBlockStore } from "../hub/block-store.ts";

export const MOST_PROMPT_PINS = 16;
const LARGEST_SHARE = 1 / 2;

interface Pin {
  /** Of all blocks of the text, the first one first; the last is pinned. */
  readonly keys: readonly string[];
  readonly blockBytes: number;
}

export class PromptPins {
  private readonly store: DiskBlockStore;
  /** By pinned key, the least recently asked for first. Pins that somebody else set are not ours to take back. */
  private readonly pins = new Map<string, Pin>();
  private maxBytes?: number;
  /** One change after the other. */
  private turn: Promise<void> = Promise.resolve();

  constructor(store: DiskBlockStore) {
    this.store = store;
  }

  /** Pins a text by the keys of its blocks, or as much of its beginning as may be; older pins make room. */
  keep(keys: readonly string[], blockBytes: number): Promise<void> {
    return this.inTurn(async () => {
      this.maxBytes ??= (await this.store.stats()).maxBytes * LARGEST_SHARE;
      const kept = keys.slice(0, Math.floor(this.maxBytes / blockBytes));
      const key = kept.at(-1);
      if (key === undefined) return;
      if (this.pins.has(key)) this.pins.delete(key);
      else if ((await this.store.pins()).has(key)) return;
      await this.store.pin(key);
      this.pins.set(key, { keys: kept, blockBytes });
      while (this.pins.size > MOST_PROMPT_PINS || this.bytes > this.maxBytes) await this.dropOldest();
    });
  }

  /** Somebody pinned or unpinned it by name: from now on it is theirs. */
  disown(key: string): void {
    this.pins.delete(key);
  }

  /** Takes all back that are still ours. */
  release(): Promise<void> {
    return this.inTurn(async () => {
      while (this.pins.size > 0) await this.dropOldest();
    });
  }

  /** Of all blocks that are pinned; what texts share counts once. */
  private get bytes(): number {
    const sizes = new Map<string, number>();
    for (const { keys, blockBytes } of this.pins.values()) for (const key of keys) sizes.set(key, blockBytes);
    return [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  private async dropOldest(): Promise<void> {
    const [oldest] = this.pins.keys();
    this.pins.delete(oldest);
    await this.store.unpin(oldest);
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.turn.then(work);
    this.turn = done.catch(() => {});
    return done;
  }
}
