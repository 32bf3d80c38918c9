/** Stored blocks as the texts that they make up. A block names the one before it, so texts that begin alike share blocks. */
import type { StoredBlock } from "./stored-block.ts";

/** A text that was read: a block that no other block goes on from, with all blocks before it. */
export interface Context {
  /** Of its last block. */
  readonly key: string;
  readonly model: string;
  readonly tokens: number;
  /** Of all its blocks. */
  readonly bytes: number;
  /** Of those of its blocks that no other context needs. */
  readonly ownBytes: number;
  /** When its last block was. */
  readonly usedAt: Date;
  /** Of all its blocks, from the last to the first. */
  readonly keys: readonly string[];
  /** False if a block is missing in between: what comes after it is of no use. */
  readonly isComplete: boolean;
}

/** The most recently used first; equal ones in the order of their keys. */
export function contextsOf(blocks: readonly StoredBlock[]): Context[] {
  const byKey = new Map(blocks.map((block) => [block.key, block]));
  const parents = new Set(blocks.map(({ parent }) => parent));
  const chains = blocks.filter(({ key }) => !parents.has(key)).map((last) => chainTo(last, byKey));
  const users = countUsers(chains);
  return chains
    .map((chain): Context => {
      const [{ key, model, tokens, usedAt }] = chain;
      const own = chain.filter((block) => users.get(block.key) === 1);
      const isComplete = chain[chain.length - 1].parent === undefined;
      const keys = chain.map((block) => block.key);
      return { key, model, tokens, bytes: sumOfBytes(chain), ownBytes: sumOfBytes(own), usedAt, keys, isComplete };
    })
    .sort((a, b) => b.usedAt.getTime() - a.usedAt.getTime() || compare(a.key, b.key));
}

/** Keys of the blocks that are needed by contexts to be dropped, and by no other. */
export function keysOnlyOf(dropped: readonly Context[], all: readonly Context[]): string[] {
  const going = new Set(dropped.map(({ key }) => key));
  const needed = new Set(all.filter(({ key }) => !going.has(key)).flatMap(({ keys }) => keys));
  return [...new Set(dropped.flatMap(({ keys }) => keys))].filter((key) => !needed.has(key));
}

/** Those of the keys that are there, and the keys of all blocks before them. */
export function withAllBefore(keys: Iterable<string>, blocks: readonly StoredBlock[]): Set<string> {
  const byKey = new Map(blocks.map((block) => [block.key, block]));
  const found = new Set<string>();
  for (const key of keys)
    for (let block = byKey.get(key); block && !found.has(block.key); block = byKey.get(block.parent ?? ""))
      found.add(block.key);
  return found;
}

/**
 * The order in which blocks are given up: those whose beginning is missing, then the least recently used. A block is in use
 * as long as one that goes on from it, and goes after it: what is left of a text is always its beginning.
 */
export function leastUsefulFirst(blocks: readonly StoredBlock[]): StoredBlock[] {
  const byTokens = [...blocks].sort((a, b) => a.tokens - b.tokens);
  const reachable = new Set<string>();
  for (const { key, parent } of byTokens) if (parent === undefined || reachable.has(parent)) reachable.add(key);

  const usedAt = new Map(blocks.map((block) => [block.key, block.usedAt.getTime()]));
  for (const { key, parent } of byTokens.reverse()) {
    const parentUsedAt = parent === undefined ? undefined : usedAt.get(parent);
    if (parentUsedAt !== undefined) usedAt.set(parent!, Math.max(parentUsedAt, usedAt.get(key)!));
  }
  return [...blocks].sort(
    (a, b) =>
      Number(reachable.has(a.key)) - Number(reachable.has(b.key)) ||
      usedAt.get(a.key)! - usedAt.get(b.key)! ||
      b.tokens - a.tokens ||
      compare(a.key, b.key),
  );
}

/** From the last block to the first that is there. */
function chainTo(last: StoredBlock, byKey: ReadonlyMap<string, StoredBlock>): StoredBlock[] {
  const chain = new Set<StoredBlock>();
  // A forged file may name a block after it as its parent: a block is taken once.
  for (let block: StoredBlock | undefined = last; block && !chain.has(block); ) {
    chain.add(block);
    block = block.parent === undefined ? undefined : byKey.get(block.parent);
  }
  return [...chain];
}

function countUsers(chains: readonly StoredBlock[][]): Map<string, number> {
  const users = new Map<string, number>();
  for (const { key } of chains.flat()) users.set(key, (users.get(key) ?? 0) + 1);
  return users;
}

function sumOfBytes(blocks: readonly StoredBlock[]): number {
  return blocks.reduce((sum, { bytes }) => sum + bytes, 0);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
