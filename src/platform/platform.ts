/** What the core needs from its host. Core folders never import `node:`; they get one of these. */

/** Random access to the bytes of a file. Synchronous: it is only used inside worker threads. */
export interface ByteSource {
  readonly name: string;
  readonly size: number;
  /** Reads exactly `into.byteLength` bytes from `offset`. Throws if the file ends before. */
  read(offset: number, into: Uint8Array): void;
  close(): void;
}
