/**
 * Kernels under test: one of the two builds and a team of threads over a heap of their own, for the length of one function;
 * and how far numbers may be from their reference.
 */
import assert from "node:assert/strict";
import v8 from "node:v8";
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
  if (process.env.MEASURE) console.log(what, `share ${worstShare.toFixed(3)}`, found);
  assert.ok(worstShare <= 1, `${what}: ${found}`);
  assert.ok(meanError <= mean, `${what}: mean above ${mean}; ${found}`);
}

/** The same floats, bit for bit. */
export function expectSame(actual: Float32Array, expected: Float32Array, what = ""): void {
  assert.equal(actual.length, expected.length, `${what}: lengths`);
  const at = expected.findIndex((value, i) => !Object.is(value, actual[i]));
  assert.equal(at, -1, `${what}: ${actual[at]} at ${at}, expected exactly ${expected[at]}`);
}
