/**
 * Blocks of read texts on disk, found by key, the least recently used removed when they take too much space. Any number of
 * processes may use one folder without a lock: files appear whole (renamed) and vanish whole, and what is read is verified.
 */
import { mkdir, readFile } from "node:fs/promises";
import { InputError } from "../runtime/errors.ts";
import { DamagedBlock, decodeBlock, encodeBlock, isBlockKey } from "./block-file.ts";
import { groupOf, ifThere, lookInto, pathOf, removeFile } from "./block-folder.ts";
import { describeAll, evict, explainWriteError, touch, writeWhole } from "./block-io.ts";
import { withAllBefore } from "./contexts.ts";
import { addPin, pinsIn, removePin } from "./pins.ts";
import type { BlockAbout, StoredBlock } from "./stored-block.ts";

export type { BlockAbout, StoredBlock } from "./stored-block.ts";

export interface BlockStoreOptions {
  /** Bytes of files to keep at most, 8 GiB if not given. Pinned contexts are kept even if they take more. */
  readonly maxBytes?: number;
  /** Hears of a file that could not be used, and why ("this file ..."). A damaged one has been removed. */
  readonly onDamaged?: (path: string, reason: string) => void;
}

const MAX_BYTES = 8 * 2 ** 30;
const KEPT_AFTER_EVICTION = 0.9;
/** Other processes put blocks as well: we look at least whenever so much of maxBytes was put by ourselves. */
const LOOK_AFTER = 1 / 16;

export class DiskBlockStore {
  readonly #folder: string;
  readonly #maxBytes: number;
  readonly #onDamaged: (path: string, reason: string) => void;
  /** At most what the files take, as far as we know: the first put looks. */
  #total = Number.POSITIVE_INFINITY;
  #looking?: Promise<void>;

  constructor(folder: string, { maxBytes = MAX_BYTES, onDamaged = () => {} }: BlockStoreOptions = {}) {
    this.#folder = folder;
    this.#maxBytes = maxBytes;
    this.#onDamaged = onDamaged;
  }

  /** The payload exactly as it was put; undefined if there is none, or if its file is not whole. Marks the block as used. */
  async get(key: string): Promise<Uint8Array | undefined> {
    return (await this.#read(key))?.payload;
  }

  /** The whole file of a block, header and checksum included, verified; otherwise as get(). */
  async file(key: string): Promise<Uint8Array | undefined> {
    return (await this.#read(key))?.file;
  }

  async #read(key: string): Promise<{ file: Buffer; payload: Uint8Array } | undefined> {
    const path = pathOf(this.#folder, expectKey(key));
    try {
      const file = await ifThere(readFile(path));
      if (!file) return undefined;
      const payload = decodeBlock(file, key);
      await touch(path).catch(() => false); // The payload is right, whatever becomes of the mark.
      return { file, payload };
    } catch (cause) {
      const isDamaged = cause instanceof DamagedBlock;
      // Removed only if it was read: too many open files, say, is not the file's fault.
      if (isDamaged) await removeFile(path).catch(() => {});
      const { code, message } = cause as NodeJS.ErrnoException;
      this.#onDamaged(path, isDamaged ? message : `cannot be read (${code ?? message})`);
      return undefined;
    }
  }

  /**
   * Stores a block under its key; one that is there already is only marked as used. The payload must not change before this
   * resolves. Throws InputError if the key is none, or if the folder cannot be written; nothing half-written is left.
   * Above maxBytes what is not pinned makes room. Where pinned contexts alone take more, this works as ever: maxBytes is
   * exceeded, and blocks that are not pinned stay until another sixteenth of maxBytes was put.
   */
  async put(key: string, payload: Uint8Array, about: BlockAbout): Promise<void> {
    const path = pathOf(this.#folder, expectKey(key));
    if (about.parent !== undefined) expectKey(about.parent);
    try {
      if (await touch(path)) return;
      const file = encodeBlock(key, payload, about);
      await mkdir(groupOf(this.#folder, key), { recursive: true });
      await writeWhole(path, file);
      await this.#keepWithinMaxBytes(file.length);
    } catch (cause) {
      throw explainWriteError(this.#folder, cause);
    }
  }

  /** All blocks whose header can be read, in the order of their keys. Payloads are not verified. */
  async list(): Promise<StoredBlock[]> {
    return describeAll((await lookInto(this.#folder)).files);
  }

  /** Number of files and their bytes, damaged ones included. */
  async stats(): Promise<{ blocks: number; bytes: number; maxBytes: number }> {
    const { files } = await lookInto(this.#folder);
    return { blocks: files.length, bytes: sumOfBytes(files), maxBytes: this.#maxBytes };
  }

  /** Removes blocks; those that are not there are passed over. */
  async remove(keys: readonly string[]): Promise<void> {
    for (const key of keys) await removeFile(pathOf(this.#folder, expectKey(key)));
  }

  /**
   * Removes every block, damaged ones too, and what killed processes have left. Pinned contexts stay, unless `pinned` says
   * that they and their pins go as well.
   */
  async clear({ pinned = false }: { pinned?: boolean } = {}): Promise<void> {
    const { files, abandoned } = await lookInto(this.#folder);
    const blocks = pinned ? [] : await describeAll(files);
    const pins = await this.pins();
    const staying = withAllBefore(pins, blocks);
    const going = files.filter(({ key }) => !staying.has(key));
    for (const path of [...going.map((file) => file.path), ...abandoned]) await removeFile(path);
    if (pinned) for (const key of pins) await this.unpin(key);
  }

  /**
   * From now on the block and all before it are never evicted. An eviction that runs at this moment may still take some:
   * look afterwards whether all are there. Throws InputError if the folder cannot be written.
   */
  async pin(key: string): Promise<void> {
    await addPin(this.#folder, expectKey(key)).catch((cause) => {
      throw explainWriteError(this.#folder, cause);
    });
  }

  /** Takes a pin back; without one nothing happens. */
  async unpin(key: string): Promise<void> {
    await removePin(this.#folder, expectKey(key));
  }

  /** Keys of pinned blocks, also of such that are not there. */
  async pins(): Promise<ReadonlySet<string>> {
    return pinsIn(this.#folder);
  }

  /** Puts that end while somebody looks are counted for the next look, maybe twice: that only brings it forward. */
  async #keepWithinMaxBytes(newBytes: number): Promise<void> {
    this.#total += newBytes;
    if (this.#total <= this.#maxBytes) return;
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    await this.#looking;
  }

  async #look(): Promise<void> {
    this.#total = 0;
    const lookSoon = (1 - LOOK_AFTER) * this.#maxBytes;
    try {
      const { files, abandoned } = await lookInto(this.#folder);
      for (const path of abandoned) await removeFile(path);
      const bytes = sumOfBytes(files);
      const tooMuch = bytes - KEPT_AFTER_EVICTION * this.#maxBytes;
      const removed = bytes > this.#maxBytes ? await evict(this.#folder, files, tooMuch) : 0;
      const left = bytes - removed;
      // Where pins hold more than maxBytes, looking at every put would find nothing to remove.
      const isHopeless = left > this.#maxBytes;
      this.#total += isHopeless ? lookSoon : Math.max(left, lookSoon);
    } catch (cause) {
      this.#total = Number.POSITIVE_INFINITY;
      throw cause;
    }
  }
}

function sumOfBytes(files: readonly { bytes: number }[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}

function expectKey(key: string): string {
  if (isBlockKey(key)) return key;
  throw new InputError(
    `context cache: expected a key of 64 lower-case hexadecimal digits, got "${key}". Pass the SHA-256 of what the block stands for.`,
    { got: key },
  );
}
