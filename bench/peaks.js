// What this machine can do at most on so many threads: bench/peak.ts, run on all of them at once.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import v8 from "node:v8";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

// Node 20 has relaxed SIMD behind a flag, which must be set in every thread before the first compilation.
v8.setFlagsFromString("--experimental-wasm-relaxed-simd");

/** Of each kind of product (src/runtime/profile.ts): its loop, an argument of it, and the products of one vector with another. */
const loops = {
  i4: { name: "narrow", steps: 8, products: 16 },
  i5: { name: "narrow", steps: 4, products: 16 },
  i7: { name: "seven", products: 16 },
  i16: { name: "sixteen", products: 8 },
  f32: { name: "float", products: 4 },
};
const OPERAND_BYTES = 8192;
/** A millisecond or two: short enough that some rounds are not disturbed. */
const LOOP_ROUNDS = 4000;
/** By all threads together: much more than caches hold. */
const READ_BYTES = 256 << 20;
const ROUNDS = 40;
const PAGE_BYTES = 65536;

if (!isMainThread) parentPort.postMessage(measureThread(workerData));

/** Operations { i4, i5, i7, i16, f32 } and bytes read from memory, a second: the best of some rounds. */
export async function measurePeaks(threads) {
  const initial = threads + READ_BYTES / PAGE_BYTES;
  const memory = new WebAssembly.Memory({ initial, maximum: 65536, shared: true });
  const arrived = new Int32Array(new SharedArrayBuffer(4));
  const data = { module: compileLoops(), memory, arrived, threads };
  const results = await Promise.all(Array.from({ length: threads }, (_, thread) => startThread({ ...data, thread })));
  const best = (kind) => Math.max(...results[0][kind].map((_, round) => rateOf(results.map((of) => of[kind][round]))));
  const operations = Object.fromEntries(Object.keys(loops).map((kind) => [kind, best(kind)]));
  return { operations, bytes: best("bytes") };
}

/** What threads did at the same time, by the time of the slowest. */
function rateOf(runs) {
  const amount = runs.reduce((sum, run) => sum + run.amount, 0);
  return amount / Math.max(...runs.map(({ seconds }) => seconds));
}

/** Compiled as those kernels are that this machine runs. */
function compileLoops() {
  const root = new URL("..", import.meta.url);
  const isRelaxed = WebAssembly.validate(readFileSync(new URL("build/kernels-relaxed.wasm", root)));
  const target = isRelaxed ? "relaxed" : "simd";
  const output = `bench/results/peak-${target}.wasm`;
  mkdirSync(new URL("bench/results", root), { recursive: true });
  const compiler = "node_modules/assemblyscript/bin/asc.js";
  const args = ["bench/peak.ts", "--config", "asconfig.json", "--target", target, "--outFile", output];
  const { status } = spawnSync(process.execPath, [compiler, ...args], { cwd: fileURLToPath(root), stdio: "inherit" });
  if (status !== 0)
    throw new Error("peaks: expected bench/peak.ts to compile. Run `npm ci`, which installs its compiler.");
  return new WebAssembly.Module(readFileSync(new URL(output, root)));
}

function startThread(data) {
  const worker = new Worker(new URL(import.meta.url), { workerData: data });
  return new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
}

/** { [kind]: [round] of { amount, seconds } }: operations, or bytes. */
function measureThread({ module, memory, arrived, threads, thread }) {
  const { exports } = new WebAssembly.Instance(module, { env: { memory, abort() {} } });
  const operands = thread * PAGE_BYTES + 1024;
  const slice = Math.floor(READ_BYTES / threads / 64) * 64;
  const text = threads * PAGE_BYTES + thread * slice;
  // Bytes that are ordinary numbers of every kind. Memory that was never written is not there to be read.
  for (const [at, length] of [
    [operands, OPERAND_BYTES],
    [text, slice],
  ])
    new Uint8Array(memory.buffer, at, length).fill(0x3a);

  const measure = (amount, run) =>
    Array.from({ length: ROUNDS }, () => {
      waitForAll(arrived, threads);
      const started = performance.now();
      run();
      return { amount, seconds: (performance.now() - started) / 1000 };
    });
  const results = Object.entries(loops).map(([kind, { name, steps, products }]) => {
    const operations = LOOP_ROUNDS * (OPERAND_BYTES / 32) * 8 * products * 2;
    return [kind, measure(operations, () => exports[name](operands, LOOP_ROUNDS, steps))];
  });
  return { ...Object.fromEntries(results), bytes: measure(slice, () => exports.read(text, slice, operands)) };
}

/** Every thread comes here as often as the others. */
function waitForAll(arrived, threads) {
  const before = Atomics.add(arrived, 0, 1);
  const all = (Math.floor(before / threads) + 1) * threads;
  while (Atomics.load(arrived, 0) < all);
}
