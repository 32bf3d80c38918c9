/** What the core needs from its host. Core folders never import `node:`; they are given one of these. */

/** Random access to the bytes of a file. Synchronous: it is only used inside worker threads and for headers. */
export interface ByteSource {
  readonly name: string;
  readonly size: number;
  /** Reads exactly `into.byteLength` bytes from `offset`. Throws if the file ends before. */
  read(offset: number, into: Uint8Array): void;
  close(): void;
}

/** The other end of a worker thread: plain messages in order. */
export interface Peer {
  post(message: unknown, transfer?: ArrayBuffer[]): void;
  listen(handler: (message: unknown) => void): void;
}

export interface SpawnedPeer extends Peer {
  /** Called once if the thread ends without terminate(): with the error that ended it. */
  onFailure(handler: (error: Error) => void): void;
  terminate(): Promise<void>;
}

export interface Host {
  openFile(path: string): ByteSource;
  /** The bytes of build/kernels-<build>.wasm. */
  kernelBinary(build: "relaxed" | "simd"): Uint8Array<ArrayBuffer>;
  /** Starts the worker entry in a new thread; `data` is cloned, shared memory is shared. */
  spawn(data: unknown): SpawnedPeer;
  /** Cores that this process may use. */
  availableThreads(): number;
  /** Bytes that can be allocated without swapping, container limits included. */
  freeMemoryBytes(): number;
}
