/**
 * Pages and tables of sequences: blocks of a few sizes, given back to free lists when the last sequence that holds them ends.
 * A page that several sequences hold must not be written to.
 */
import type { SharedHeap } from "../runtime/memory.ts";

export class PagePool {
  private readonly free = new Map<number, number[]>();
  /** Holders of a block besides the first. */
  private readonly sharers = new Map<number, number>();
  private readonly heap: SharedHeap;
  /** Bytes in use, free lists not counted. */
  usedBytes = 0;

  constructor(heap: SharedHeap) {
    this.heap = heap;
  }

  /** Bytes on the free lists. */
  get freeBytes(): number {
    return [...this.free].reduce((sum, [bytes, list]) => sum + bytes * list.length, 0);
  }

  /** The next `count` takes of this size cannot fail. Throws CapacityError if there is no room for them. */
  reserve(bytes: number, count: number): void {
    const list = this.free.get(bytes) ?? [];
    this.free.set(bytes, list);
    while (list.length < count) list.push(this.heap.allocate(bytes));
  }

  take(bytes: number): number {
    const address = this.free.get(bytes)?.pop() ?? this.heap.allocate(bytes);
    this.usedBytes += bytes;
    return address;
  }

  /** One more sequence holds the block; each gives it back once. */
  share(address: number): void {
    this.sharers.set(address, (this.sharers.get(address) ?? 0) + 1);
  }

  isShared(address: number): boolean {
    return this.sharers.has(address);
  }

  give(address: number, bytes: number): void {
    const sharers = this.sharers.get(address);
    if (sharers !== undefined) {
      if (sharers > 1) this.sharers.set(address, sharers - 1);
      else this.sharers.delete(address);
      return;
    }
    const list = this.free.get(bytes) ?? [];
    list.push(address);
    this.free.set(bytes, list);
    this.usedBytes -= bytes;
  }
}
