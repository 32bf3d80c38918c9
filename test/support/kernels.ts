/**
 * Kernels under test: one of the two builds and a team of threads over a heap of their own, for the length of one function;
 * keys and values in pages; and how far numbers may be from their reference.
 */
import assert from "node:assert/strict";
import v8 from "node:v8";
import type { AttentionInputs } from "../../src/ops/attention.reference.ts";
import {
  type AttentionItem,
  type AttentionShape,
  appendKv,
  attention,
  FLOAT_PAGE,
  floatPageBytes,
  int8PageBytes,
  itemBytes,
  mergePartials,
  PAGE_SLOTS,
  partialBytes,
  sealPages,
} from "../../src/ops/attention.ts";
import { nodeHost } from "../../src/platform/node.ts";
import type { KernelBuild } from "../../src/runtime/kernels.ts";
import { SharedHeap } from "../../src/runtime/memory.ts";
import { CONTROL_BYTES, Team } from "../../src/runtime/team.ts";

// Node 20 has relaxed SIMD behind a flag, which must be set before the first compilation.
v8.setFlagsFromString("--experimental-wasm-relaxed-simd");

export type BuildName = KernelBuild["name"];
export const builds: readonly BuildName[] = ["relaxed", "simd"];

/** Starts a member of a team. */
export const spawnThread = nodeHost.spawn;

const compiled = new Map<BuildName, KernelBuild>();

/** Compiled once a process: compiling takes longer than most tests. */
export function kernelBuild(name: BuildName): KernelBuild {
  let build = compiled.get(name);
  if (!build) {
    build = { name, module: new WebAssembly.Module(nodeHost.kernelBinary(name)) };
    compiled.set(name, build);
  }
  return build;
}

/** Bytes that nobody may write, and what they hold. */
const GUARD_BYTES = 256;
const GUARD = 0xa5;

export class KernelSpace {
  readonly heap: SharedHeap;
  readonly team: Team;
  private readonly guards: number[] = [];

  constructor(heap: SharedHeap, team: Team) {
    this.heap = heap;
    this.team = team;
    this.guard();
  }

  /** Address of new bytes. checkGuards() finds out if a kernel has written past their end (rounded up to 64). */
  allocate(bytes: number): number {
    const address = this.heap.allocate(bytes);
    this.guard();
    return address;
  }

  /** Address of a copy of `values`. */
  put(values: Float32Array | Int32Array | Uint32Array | Uint8Array): number {
    const address = this.allocate(values.byteLength);
    this.heap.u8.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), address);
    return address;
  }

  /** A copy of `length` floats. */
  floats(address: number, length: number): Float32Array {
    return this.heap.floats(address, length).slice();
  }

  private guard(): void {
    const address = this.heap.allocate(GUARD_BYTES);
    this.heap.u8.fill(GUARD, address, address + GUARD_BYTES);
    this.guards.push(address);
  }

  checkGuards(): void {
    for (const address of this.guards)
      for (let i = address; i < address + GUARD_BYTES; i++)
        assert.equal(this.heap.u8[i], GUARD, `a kernel wrote past the end of its memory, at ${i}`);
  }
}

/** Enough for every kernel but attention, whose wrapper says what it needs. */
const SCRATCH_BYTES = 32 * 1024;

export async function withTeam(
  build: BuildName,
  threads: number,
  use: (space: KernelSpace) => void,
  scratchBytes = 0,
): Promise<void> {
  const heap = new SharedHeap(CONTROL_BYTES);
  const options = { threads, scratchBytes: Math.max(SCRATCH_BYTES, scratchBytes) };
  const team = await Team.start(heap, kernelBuild(build), spawnThread, options);
  try {
    const space = new KernelSpace(heap, team);
    use(space);
    space.checkGuards();
  } finally {
    await team.stop();
  }
}

/** Which pages are q8: none, all that are full, or every other one of those. */
export type PageFormat = "f32" | "q8" | "mixed";

/** Keys and values in pages, and what attention makes of lists of them. */
export class Pages {
  readonly space: KernelSpace;
  readonly shape: AttentionShape;
  readonly inputs: AttentionInputs;
  readonly numPages: number;
  /** f32 pages and their sealed copies, [numKvHeads][numPages]; only full pages are sealed. */
  readonly float: number[][];
  readonly sealed: number[][];

  constructor(
    space: KernelSpace,
    shape: AttentionShape,
    inputs: AttentionInputs,
    appends = [inputs.keyPositions.length],
  ) {
    const { numKvHeads, headDim } = shape;
    this.space = space;
    this.shape = shape;
    this.inputs = inputs;
    this.numPages = Math.ceil(inputs.keyPositions.length / PAGE_SLOTS);
    const allocate = (count: number, bytes: number) =>
      Array.from({ length: numKvHeads }, () => Array.from({ length: count }, () => space.allocate(bytes)));
    this.float = allocate(this.numPages, floatPageBytes(headDim));
    const full = Math.floor(inputs.keyPositions.length / PAGE_SLOTS);
    this.sealed = allocate(full, int8PageBytes(headDim));
    this.append(appends);
    const pairs = this.sealed.flatMap((pages, head) => pages.flatMap((to, n) => [this.float[head][n], to]));
    sealPages(space.team, headDim, space.put(Uint32Array.from(pairs)), pairs.length / 2);
  }

  private append(lengths: readonly number[]): void {
    const { space, shape, inputs } = this;
    const [k, v, positions] = [inputs.k, inputs.v, inputs.keyPositions].map((values) => space.put(values));
    const rowBytes = 4 * shape.numKvHeads * shape.headDim;
    let done = 0;
    for (const tokens of lengths) {
      const firstPage = Math.floor(done / PAGE_SLOTS);
      const firstSlot = done % PAGE_SLOTS;
      const run = this.float.map((pages) => pages.slice(firstPage, Math.ceil((done + tokens) / PAGE_SLOTS)));
      appendKv(space.team, shape, {
        tokens,
        firstSlot,
        k: k + done * rowBytes,
        v: v + done * rowBytes,
        positions: positions + done * 4,
        pages: space.put(Uint32Array.from(run.flat())),
        pagesPerHead: run[0].length,
      });
      done += tokens;
    }
  }

  /** Entry of page n in a list. */
  entry(kvHead: number, n: number, format: PageFormat): number {
    const sealed = format === "q8" || (format === "mixed" && n % 2 === 1);
    return (sealed && this.sealed[kvHead][n]) || this.float[kvHead][n] | FLOAT_PAGE;
  }

  item(kvHead: number, entries: readonly number[], rest: Partial<AttentionItem> = {}): AttentionItem {
    const list = this.space.put(Uint32Array.from(entries));
    const numTokens = this.inputs.positions.length;
    return { entries: list, numEntries: entries.length, own: 0, firstToken: 0, numTokens, kvHead, partial: 0, ...rest };
  }

  /** One item per KV head with the pages of `order` as entries, all queries at once. */
  together(format: PageFormat, order: readonly number[] = [...Array(this.numPages).keys()]): AttentionItem[] {
    return this.float.map((_, kvHead) =>
      this.item(
        kvHead,
        order.map((n) => this.entry(kvHead, n, format)),
      ),
    );
  }

  /** As a prefill does it: one item per KV head and page that queries sit in, which is their own page. Queries are the last keys. */
  byOwnPage(format: PageFormat): AttentionItem[] {
    const { inputs, numPages } = this;
    const end = inputs.keyPositions.length;
    const first = end - inputs.positions.length;
    return this.float.flatMap((pages, kvHead) =>
      Array.from({ length: numPages - Math.floor(first / PAGE_SLOTS) }, (_, i) => {
        const n = Math.floor(first / PAGE_SLOTS) + i;
        const begin = Math.max(first, n * PAGE_SLOTS);
        const entries = Array.from({ length: n }, (_, before) => this.entry(kvHead, before, format));
        const numTokens = Math.min(end, (n + 1) * PAGE_SLOTS) - begin;
        return this.item(kvHead, entries, { own: pages[n], firstToken: begin - first, numTokens });
      }),
    );
  }

  attend(items: readonly AttentionItem[]): Float32Array {
    const { space, shape, inputs } = this;
    const out = this.newOut();
    const [q, positions] = [space.put(inputs.q), space.put(inputs.positions)];
    attention(space.team, space.heap, shape, items, {
      itemSpace: space.allocate(itemBytes(items.length)),
      q,
      positions,
      out,
    });
    return space.floats(out, inputs.q.length);
  }

  /** Every part is a list of pages; each KV head's parts are merged. */
  attendInParts(parts: readonly (readonly number[])[], format: PageFormat): Float32Array {
    const { space, shape, inputs } = this;
    const tokens = inputs.positions.length;
    const stride = partialBytes(shape, tokens);
    const partials = space.allocate(stride * parts.length * shape.numKvHeads);
    this.attend(
      this.float.flatMap((_, kvHead) =>
        parts.map((pages, part) => {
          const entries = pages.map((n) => this.entry(kvHead, n, format));
          return this.item(kvHead, entries, { partial: partials + stride * (kvHead * parts.length + part) });
        }),
      ),
    );
    const out = this.newOut();
    mergePartials(space.team, shape, { partials, splits: parts.length, stride, out, tokens });
    return space.floats(out, inputs.q.length);
  }

  private newOut(): number {
    const out = this.space.allocate(4 * this.inputs.q.length);
    this.space.heap.floats(out, this.inputs.q.length).fill(Number.NaN);
    return out;
  }
}

/** Every |actual − expected| is at most absolute + relative·|expected|, and their mean is at most `mean`. */
export function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { absolute = 0, relative = 0, mean = Infinity }: { absolute?: number; relative?: number; mean?: number },
  what = "",
): void {
  assert.equal(actual.length, expected.length, `${what}: lengths`);
  let worst = 0;
  let worstShare = 0;
  let largest = 0;
  let sum = 0;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(actual[i] - expected[i]);
    const error = Number.isNaN(difference) ? Infinity : difference;
    const share = error / Math.max(absolute + relative * Math.abs(expected[i]), Number.MIN_VALUE);
    if (share > worstShare) [worst, worstShare] = [i, share];
    largest = Math.max(largest, error);
    sum += error;
  }
  const meanError = sum / Math.max(1, expected.length);
  const found = `worst at ${worst}: ${actual[worst]}, expected ${expected[worst]}; largest error ${largest}, mean ${meanError}`;
  assert.ok(worstShare <= 1, `${what}: ${found}`);
  assert.ok(meanError <= mean, `${what}: mean above ${mean}; ${found}`);
}

/** The same floats, bit for bit. */
export function expectSame(actual: Float32Array, expected: Float32Array, what = ""): void {
  assert.equal(actual.length, expected.length, `${what}: lengths`);
  const at = expected.findIndex((value, i) => !Object.is(value, actual[i]));
  assert.equal(at, -1, `${what}: ${actual[at]} at ${at}, expected exactly ${expected[at]}`);
}
