/**
 * The residual stream of tokens that wait between layers, f32 [hiddenSize] each. It is held in blocks of one size, so that the pool
 * can lend them again to a prompt of any length.
 */
import type { SharedHeap } from "../runtime/memory.ts";
import type { PagePool } from "./page-pool.ts";

const BLOCK_TOKENS = 64;

export interface WaitingParts {
  readonly heap: SharedHeap;
  readonly pool: PagePool;
  readonly hiddenSize: number;
}

export class WaitingTokens {
  /** Tokens that wait. */
  length = 0;
  private readonly parts: WaitingParts;
  private readonly blocks: number[] = [];

  constructor(parts: WaitingParts) {
    this.parts = parts;
  }

  /** Bytes that so many tokens take. */
  static bytesFor(tokens: number, hiddenSize: number): number {
    return Math.ceil(tokens / BLOCK_TOKENS) * BLOCK_TOKENS * hiddenSize * 4;
  }

  /** Puts `count` rows from an address behind those that wait. A copy must first be cut to whole blocks: it shares them. */
  append(from: number, count: number): void {
    const { parts, rowBytes } = this;
    const { heap, pool } = parts;
    for (let row = 0; row < count; row++) {
      if (this.length % BLOCK_TOKENS === 0) this.blocks.push(pool.take(this.blockBytes));
      const to = this.addressOf(this.length++);
      heap.u8.copyWithin(to, from + row * rowBytes, from + (row + 1) * rowBytes);
    }
  }

  /** Copies the rows of tokens, counted in the order in which they came, to an address. */
  copy(tokens: Int32Array, to: number): void {
    const { parts, rowBytes } = this;
    const { heap } = parts;
    tokens.forEach((token, row) => {
      const from = this.addressOf(token);
      heap.u8.copyWithin(to + row * rowBytes, from, from + rowBytes);
    });
  }

  /** Address of the n-th 64 tokens, if they are all there. */
  block(n: number): number | undefined {
    return (n + 1) * BLOCK_TOKENS <= this.length ? this.blocks[n] : undefined;
  }

  /** Appends 64 tokens behind whole blocks. Gives the address that their rows are to be written to. */
  appendBlock(): number {
    const block = this.parts.pool.take(this.blockBytes);
    this.blocks.push(block);
    this.length += BLOCK_TOKENS;
    return block;
  }

  /** A copy that shares the blocks. */
  fork(): WaitingTokens {
    const copy = new WaitingTokens(this.parts);
    for (const block of this.blocks) this.parts.pool.share(block);
    copy.blocks.push(...this.blocks);
    copy.length = this.length;
    return copy;
  }

  /** Keeps the first `length` tokens, a whole number of blocks. */
  truncate(length: number): void {
    for (const block of this.blocks.splice(length / BLOCK_TOKENS)) this.parts.pool.give(block, this.blockBytes);
    this.length = length;
  }

  get bytes(): number {
    return this.blocks.length * this.blockBytes;
  }

  dispose(): void {
    this.truncate(0);
  }

  private get rowBytes(): number {
    return this.parts.hiddenSize * 4;
  }

  get blockBytes(): number {
    return BLOCK_TOKENS * this.rowBytes;
  }

  private addressOf(token: number): number {
    return this.blocks[Math.floor(token / BLOCK_TOKENS)] + (token % BLOCK_TOKENS) * this.rowBytes;
  }
}
