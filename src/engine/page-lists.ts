/** Lists of pages for attention items that do not see a head's pages in a row. Valid until the next lists are placed. */
import type { AttentionItem } from "../ops/attention.ts";
import type { SharedHeap } from "../runtime/memory.ts";
import type { PagePool } from "./page-pool.ts";

export class PageLists {
  private readonly heap: SharedHeap;
  private readonly pool: PagePool;
  private address = 0;
  private taken = 0;

  constructor({ heap, pool }: { heap: SharedHeap; pool: PagePool }) {
    this.heap = heap;
    this.pool = pool;
  }

  /** Items that see the entries of their lists. */
  place(items: readonly AttentionItem[], lists: readonly ArrayLike<number>[]): AttentionItem[] {
    const { heap } = this;
    const words = lists.reduce((sum, { length }) => sum + length, 0);
    this.grow(words * 4);
    const space = heap.addresses(this.address, words);
    let at = 0;
    return items.map((item, i) => {
      space.set(lists[i], at);
      const entries = this.address + at * 4;
      at += lists[i].length;
      return { ...item, entries, numEntries: lists[i].length };
    });
  }

  get bytes(): number {
    return this.taken;
  }

  dispose(): void {
    if (this.taken > 0) this.pool.give(this.address, this.taken);
    this.taken = 0;
  }

  private grow(bytes: number): void {
    if (bytes <= this.taken) return;
    this.dispose();
    this.taken = 2 ** Math.ceil(Math.log2(bytes));
    this.address = this.pool.take(this.taken);
  }
}
