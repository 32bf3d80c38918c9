// The hot kernels alone, on one thread: GOP/s (2 per multiply-add) and, for decode, GB/s of weights or pages read.
//   npm run build && node bench/kernels.js [relaxed|simd]
// Minimum over several runs: what the code can do when nothing disturbs it. The last line is JSON.
import { readFileSync } from "node:fs";
import v8 from "node:v8";

v8.setFlagsFromString("--experimental-wasm-relaxed-simd");
const build = process.argv[2] ?? "relaxed";
const memory = new WebAssembly.Memory({ initial: 4096, maximum: 65536, shared: true });
const module = new WebAssembly.Module(readFileSync(new URL(`../build/kernels-${build}.wasm`, import.meta.url)));
const kernels = new WebAssembly.Instance(module, { env: { memory, abort() {} } }).exports;
const MB = 2 ** 20;
const scratch = 65536;
const bytes = new Uint8Array(memory.buffer);
const halves = new Uint16Array(memory.buffer);
const floats = new Float32Array(memory.buffer);
const words = new Uint32Array(memory.buffer);
const results = [];

function seconds(run, repeats) {
  run();
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < repeats; i++) {
    const start = performance.now();
    run();
    best = Math.min(best, (performance.now() - start) / 1000);
  }
  return best;
}

function report(name, operations, time, bytesRead) {
  const gops = operations / time / 1e9;
  const gigabytesPerSecond = bytesRead ? bytesRead / time / 1e9 : undefined;
  const read = gigabytesPerSecond ? `  ${gigabytesPerSecond.toFixed(1)} GB/s` : "";
  console.log(`${name.padEnd(44)} ${gops.toFixed(1).padStart(6)} GOP/s${read}`);
  results.push({ name, gops, gigabytesPerSecond });
}

// format id, block bytes and where the f16 scales of a block begin: see kernels/panel.ts
const formats = {
  "4 bits": [1, 160, 128, 16],
  "5 bits": [2, 176, 160, 8],
  "6 bits": [5, 224, 192, 8],
  "8 bits": [7, 272, 256, 8],
};

function matmul(name, rows, inputs, outputs) {
  const [format, blockBytes, scalesAt, numScales] = formats[name];
  const [table, a, scales, panels, out, x] = [1, 2, 8, 16, 100, 200].map((megabytes) => megabytes * MB);
  const blocks = (outputs / 8) * (inputs / 32);
  for (let i = 0; i < blocks * blockBytes; i++) bytes[panels + i] = (i * 7919) >> 3;
  for (let b = 0; b < blocks; b++)
    halves.fill(0x2000, (panels + b * blockBytes + scalesAt) / 2, (panels + b * blockBytes + scalesAt) / 2 + numScales);
  for (let i = 0; i < rows * inputs; i++) floats[x / 4 + i] = Math.sin(i);
  const pack = format < 4 ? kernels.packInt8 : kernels.packInt16;
  pack(0, Math.ceil(rows / 4), scratch, rows, inputs, x, a, scales);
  words.set([0, outputs / 8, format, panels, a, scales, out, outputs * 4, 0, inputs], table / 4);
  const run = () => {
    for (let p = 0; p < outputs / 8; p += 8) kernels.matmuls(p, Math.min(p + 8, outputs / 8), scratch, rows, table, 1);
  };
  const time = seconds(run, rows === 1 ? 30 : 7);
  const read = rows === 1 ? blocks * blockBytes : undefined;
  report(`matmul ${name}, ${rows} × ${inputs} → ${outputs}`, 2 * rows * inputs * outputs, time, read);
}

function attention(format, headDim, group, tokens) {
  const [q, out, items, table, positions, pairs, page, pages] = [2, 20, 1, 1.25, 1.5, 1.75, 40, 41].map(
    (megabytes) => megabytes * MB,
  );
  const numPages = 64;
  const pageBytes = 256 + 140 * headDim;
  for (let i = 0; i < tokens * group * headDim; i++) floats[q / 4 + i] = Math.sin(i * 0.7) * 2;
  for (let n = 0; n < numPages; n++) {
    for (let slot = 0; slot < 64; slot++) words[page / 4 + slot] = n * 64 + slot;
    for (let i = 0; i < 128 * headDim; i++) floats[(page + 256) / 4 + i] = Math.cos(i * 1.3 + n);
    words.set([page, pages + n * pageBytes], pairs / 4);
    kernels.sealPages(0, 1, scratch, headDim, pairs);
    words[table / 4 + n] = format === "q8" ? pages + n * pageBytes : page | 1;
  }
  for (let t = 0; t < tokens; t++) words[positions / 4 + t] = numPages * 64 + t;
  words.set([table, numPages, 0, 0, tokens, 0, 0, 0], items / 4);
  words.fill(0, items / 4 + 8, items / 4 + 12); // one zone, without limits
  const zones = items + 32;
  const run = () => kernels.attention(0, 1, scratch, items, q, positions, out, group, group, headDim, 0.18, zones);
  const time = seconds(run, tokens === 1 ? 30 : 7);
  const read = tokens === 1 && format === "q8" ? numPages * pageBytes : undefined;
  report(
    `attention ${format}, head size ${headDim}, ${tokens} × ${group} rows`,
    4 * tokens * group * numPages * 64 * headDim,
    time,
    read,
  );
}

console.log(`kernels-${build}.wasm, one thread, Node ${process.versions.node}`);
for (const [name, inputs, outputs] of [
  ["4 bits", 1536, 8960],
  ["5 bits", 896, 4864],
  ["6 bits", 4864, 896],
  ["8 bits", 896, 4864],
]) {
  matmul(name, 512, inputs, outputs);
  matmul(name, 1, inputs, outputs);
}
for (const tokens of [64, 1]) {
  attention("q8", 64, 7, tokens);
  attention("q8", 128, 6, tokens);
  attention("q8", 256, 4, tokens);
}
attention("f32", 64, 7, 64);
console.log(JSON.stringify({ build, node: process.versions.node, results }));
