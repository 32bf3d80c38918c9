/** What a stored block says of itself before its pages (engine/stored-text.ts): parent [32 bytes], tokens u32 [64]. */
const PARENT_BYTES = 32;
export const BLOCK_TOKENS = 64;

export interface BlockHead {
  /** Key of the block before it; of a first block, the hash of what its pages depend on besides its text. */
  readonly parent: string;
  readonly tokens: Int32Array;
}

/** Undefined for a payload that is too short to be a block. */
export function blockHeadOf(payload: Uint8Array): BlockHead | undefined {
  if (payload.length < PARENT_BYTES + BLOCK_TOKENS * 4) return undefined;
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  return {
    parent: bytes.toString("hex", 0, PARENT_BYTES),
    tokens: Int32Array.from({ length: BLOCK_TOKENS }, (_, i) => bytes.readUInt32LE(PARENT_BYTES + i * 4)),
  };
}
