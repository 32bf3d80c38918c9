/** The one shared WebAssembly memory of an engine: weights, pages and activations, given out by address. */
import { CapacityError } from "./errors.ts";

const PAGE_BYTES = 65536;
const ALIGNMENT = 64;
/** wasm32 ends at 4 GiB; the last page stays unused so that no end address wraps. */
const MAX_BYTES = 65535 * PAGE_BYTES;

export class SharedHeap {
  readonly memory: WebAssembly.Memory;
  private end: number;
  private cachedU8: Uint8Array;
  private cachedF32: Float32Array;
  private cachedI32: Int32Array;
  private cachedU32: Uint32Array;

  constructor(reservedBytes: number) {
    this.memory = new WebAssembly.Memory({ initial: 16, maximum: 65536, shared: true });
    this.cachedU8 = new Uint8Array(this.memory.buffer);
    this.cachedF32 = new Float32Array(this.memory.buffer);
    this.cachedI32 = new Int32Array(this.memory.buffer);
    this.cachedU32 = new Uint32Array(this.memory.buffer);
    this.end = 0;
    this.allocate(reservedBytes);
  }

  /** Bytes given out so far. */
  get usedBytes(): number {
    return this.end;
  }

  /** Bytes that allocate() can still give out. */
  get availableBytes(): number {
    return MAX_BYTES - this.end;
  }

  /** Address of `bytes` new bytes, aligned to 64, zero until written. They live as long as the engine. */
  allocate(bytes: number): number {
    const address = this.end;
    const end = address + Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
    const missing = end - this.memory.buffer.byteLength;
    if (missing > 0) this.grow(missing, bytes);
    this.end = end;
    return address;
  }

  private grow(missing: number, requested: number): void {
    const needed = this.memory.buffer.byteLength + missing;
    try {
      if (needed > MAX_BYTES) throw new RangeError("wasm32 limit");
      // In steps of 16 MB at least: each growth is a system call and new views.
      const step = Math.min(Math.max(missing, 16 << 20), MAX_BYTES - this.memory.buffer.byteLength);
      this.memory.grow(Math.ceil(step / PAGE_BYTES));
    } catch {
      const megabytes = (bytes: number) => Math.ceil(bytes / 2 ** 20);
      throw new CapacityError(
        `memory: ${megabytes(requested)} MB more were needed, ${megabytes(this.end)} MB are in use and the limit is ` +
          `${megabytes(MAX_BYTES)} MB. Use a smaller model, a shorter prompt, or fewer sessions at once.`,
        { expected: needed, got: MAX_BYTES },
      );
    }
    this.cachedU8 = new Uint8Array(this.memory.buffer);
    this.cachedF32 = new Float32Array(this.memory.buffer);
    this.cachedI32 = new Int32Array(this.memory.buffer);
    this.cachedU32 = new Uint32Array(this.memory.buffer);
  }

  /** Views of all memory; take them anew after any allocate(). */
  get u8(): Uint8Array {
    return this.cachedU8;
  }
  get f32(): Float32Array {
    return this.cachedF32;
  }
  get i32(): Int32Array {
    return this.cachedI32;
  }
  get u32(): Uint32Array {
    return this.cachedU32;
  }

  /** `length` floats at a byte address. */
  floats(address: number, length: number): Float32Array {
    return this.cachedF32.subarray(address / 4, address / 4 + length);
  }
  ints(address: number, length: number): Int32Array {
    return this.cachedI32.subarray(address / 4, address / 4 + length);
  }
  addresses(address: number, length: number): Uint32Array {
    return this.cachedU32.subarray(address / 4, address / 4 + length);
  }
}
