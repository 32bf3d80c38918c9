/**
 * The residual stream of tokens that wait between layers, f32 [hiddenSize] each. It is held in blocks of one size, so that the pool
 * can lend them again to a prompt of any length.
 */
import type { SharedHeap } from "../runtime/memory.ts";
import type { PagePool } from "./page-pool.ts";

const BLOCK_TOKENS = 64;

export class WaitingTokens {
  private readonly heap: SharedHeap;
  private readonly pool: PagePool;
  private readonly rowBytes: number;
  private readonly blocks: number[] = [];
  private length = 0;

  constructor({ heap, pool }: { heap: SharedHeap; pool: PagePool }, hiddenSize: number) {
    this.heap = heap;
    this.pool = pool;
    this.rowBytes = hiddenSize * 4;
  }

  /** Bytes that so many tokens take. */
  static bytesFor(tokens: number, hiddenSize: number): number {
    return Math.ceil(tokens / BLOCK_TOKENS) * BLOCK_TOKENS * hiddenSize * 4;
  }

  /** Puts `count` rows from an address behind those that wait. */
  append(from: number, count: number): void {
    const { heap, rowBytes } = this;
    for (let row = 0; row < count; row++) {
      if (this.length % BLOCK_TOKENS === 0) this.blocks.push(this.pool.take(this.blockBytes));
      const to = this.addressOf(this.length++);
      heap.u8.copyWithin(to, from + row * rowBytes, from + (row + 1) * rowBytes);
    }
  }

  /** Copies the rows of tokens, counted in the order in which they came, to an address. */
  copy(tokens: Int32Array, to: number): void {
    const { heap, rowBytes } = this;
    tokens.forEach((token, row) => {
      const from = this.addressOf(token);
      heap.u8.copyWithin(to + row * rowBytes, from, from + rowBytes);
    });
  }

  dispose(): void {
    for (const block of this.blocks) this.pool.give(block, this.blockBytes);
    this.blocks.length = 0;
    this.length = 0;
  }

  private get blockBytes(): number {
    return BLOCK_TOKENS * this.rowBytes;
  }

  private addressOf(token: number): number {
    return this.blocks[Math.floor(token / BLOCK_TOKENS)] + (token % BLOCK_TOKENS) * this.rowBytes;
  }
}
