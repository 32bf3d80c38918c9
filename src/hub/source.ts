/** A place that a model file can come from, and what the caller hears while it comes. */
import type { PartFile } from "./part-file.ts";

export interface PullOptions {
  /** First all of "download", then "verify" for the checksum over the whole file. */
  onProgress?: (doneBytes: number, totalBytes: number, step: "download" | "verify") => void;
  /** One sentence for people: which source is used, why one failed, a licence. */
  onNotice?: (message: string) => void;
  signal?: AbortSignal;
}

/** What is known about the whole file. */
export interface Fingerprint {
  readonly bytes?: number;
  readonly sha256?: string;
}

export interface Source {
  readonly name: string;
  /**
   * Appends what is missing to the part file and resolves when the file is whole, with what the source says about it.
   * Rejects with InputError if the source cannot give the file; the next source then goes on from there.
   */
  download(part: PartFile, known: Fingerprint, options: PullOptions): Promise<Fingerprint>;
}
