/** What is known of blocks. In a file of its own, so that the types of the package need none of Node's. */

/** What is known about a block beside its payload. */
export interface BlockAbout {
  /** Name or fingerprint of the model that read the text. */
  readonly model: string;
  /** Key of the block before it; none for the first of a text. */
  readonly parent?: string;
  /** Tokens of the text up to the block's end. */
  readonly tokens: number;
}

/** A block that is on disk. */
export interface StoredBlock extends BlockAbout {
  readonly key: string;
  /** Of the file: payload, header and checksum. */
  readonly bytes: number;
  /** When it was last read or put, to the minute. */
  readonly usedAt: Date;
}
