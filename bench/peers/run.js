// npm run bench:peers: Longspan and llama.cpp (node-llama-cpp) side by side, on the same file with the same threads.
//   node bench/peers/run.js [--model qwen2.5-coder-0.5b] [--lengths 512,2048,8192,16384] [--decode-tokens 32]
//     [--threads 2] [--rounds 2] [--streams 1] [--llama-cpu auto|haswell] [--plan JSON]
// For each length and round one process of each, A B A B; the figures are medians over the rounds. Nothing else should
// run on the machine meanwhile. With --streams 1,4,16 decode is that of so many texts at once, which share the prompt. llama.cpp: flash attention, f16 cache, batches of 512.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { installLlama, llamaVersion } from "./install.js";

const { values } = parseArgs({
  options: {
    model: { type: "string", default: "qwen2.5-coder-0.5b" },
    lengths: { type: "string", default: "512,2048,8192,16384" },
    "decode-tokens": { type: "string", default: "32" },
    threads: { type: "string", default: "2" },
    rounds: { type: "string", default: "2" },
    streams: { type: "string", default: "1" },
    "llama-cpu": { type: "string", default: "auto" },
    plan: { type: "string", default: "{}" },
  },
});
const lengths = values.lengths.split(",").map((text) => wholeNumber("--lengths", text));
const decodeTokens = wholeNumber("--decode-tokens", values["decode-tokens"]);
const threads = wholeNumber("--threads", values.threads);
const streams = values.streams.split(",").map((text) => wholeNumber("--streams", text));
const rounds = wholeNumber("--rounds", values.rounds);
if (!["auto", "haswell"].includes(values["llama-cpu"])) usage("--llama-cpu", "auto or haswell", values["llama-cpu"]);

const root = fileURLToPath(new URL("../..", import.meta.url));
const longspan = fileURLToPath(new URL("../../bin/longspan.js", import.meta.url));
const llama = fileURLToPath(new URL("llama.js", import.meta.url));
const model = existsSync(values.model) ? values.model : pulledPath(values.model);
const entry = installLlama(values["llama-cpu"]);

console.log(
  `${values.model}, ${threads} threads, ${rounds} rounds, ${cpus()[0].model}, load before ${loadavg()[0].toFixed(2)}`,
);
if (loadavg()[0] > 0.5) console.log("Something else is running on this machine: the figures will be off.");
console.log(llamaVersion());
const rows = [];
let system;
for (const length of lengths) {
  const ours = [];
  const theirs = [];
  for (let round = 0; round < rounds; round++) {
    // Refuses at once what is too long for the model.
    ours.push(measureLongspan(length));
    theirs.push(measureLlama(length));
    console.error(
      `${length} tokens, round ${round + 1}: ${summary("llama.cpp", theirs, length)} · ${summary("Longspan", ours, length)}`,
    );
  }
  system = theirs[0].system;
  streams.forEach((count, i) => {
    const speeds = { llama: speedsOf(theirs, length, i), longspan: speedsOf(ours, length, i) };
    rows.push({
      promptTokens: length,
      streams: count,
      ...speeds,
      prefillRatio: speeds.longspan.prefill / speeds.llama.prefill,
      decodeRatio: speeds.longspan.decode / speeds.llama.decode,
    });
  });
}

console.log(`llama.cpp's backend (--llama-cpu ${values["llama-cpu"]}): ${system}\n`);
const header = [
  "prompt tokens",
  "prefill: llama.cpp",
  "Longspan",
  "ratio",
  "streams",
  "decode: llama.cpp",
  "Longspan",
  "ratio",
];
const cells = rows.map(({ promptTokens, streams, llama, longspan, prefillRatio, decodeRatio }) => [
  promptTokens.toLocaleString("en-US"),
  ...[llama.prefill, longspan.prefill].map((speed) => speed.toFixed(1)),
  prefillRatio.toFixed(2),
  `${streams}`,
  ...[llama.decode, longspan.decode].map((speed) => speed.toFixed(1)),
  decodeRatio.toFixed(2),
]);
const widths = header.map((title, column) => Math.max(title.length, ...cells.map((row) => row[column].length)));
for (const row of [header, ...cells]) console.log(row.map((cell, column) => cell.padStart(widths[column])).join("  "));
console.log("speeds in tokens/s, medians\n");
console.log(
  JSON.stringify({
    model: values.model,
    threads,
    rounds,
    decodeTokens,
    plan: JSON.parse(values.plan),
    cpu: cpus()[0].model,
    llamaCpu: values["llama-cpu"],
    llamaSystem: system,
    rows,
  }),
);

function measureLlama(promptTokens) {
  return child(llama, JSON.stringify({ entry, model, promptTokens, decodeTokens, threads, streams }));
}

function measureLongspan(promptTokens) {
  const flags = [
    "--prompt-tokens",
    promptTokens,
    "--decode-tokens",
    decodeTokens,
    "--threads",
    threads,
    "--streams",
    values.streams,
  ];
  return child(longspan, "bench", model, ...flags, "--plan", values.plan, "--json").results[0];
}

/** Runs a script and gives the JSON on the last line of its stdout. */
function child(...args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args.map(String), { encoding: "utf8", cwd: root });
  if (status === 0) return JSON.parse(stdout.trim().split("\n").at(-1));
  console.error(`bench:peers: ${args[0]} failed:\n${stderr}`);
  return process.exit(1);
}

function pulledPath(name) {
  const { status } = spawnSync(process.execPath, [longspan, "models", "pull", name], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (status !== 0) process.exit(status ?? 1);
  return spawnSync(process.execPath, [longspan, "models", "path", name], { encoding: "utf8" }).stdout.trim();
}

/** Of the i-th number of streams. */
function speedsOf(measurements, promptTokens, i) {
  return {
    prefill: promptTokens / median(measurements.map((one) => one.prefillSeconds)),
    decode: (streams[i] * decodeTokens) / median(measurements.map((one) => one.streams[i].seconds)),
  };
}

function summary(name, measurements, promptTokens) {
  const { prefill } = speedsOf(measurements.slice(-1), promptTokens, 0);
  const decodes = streams.map((_, i) => speedsOf(measurements.slice(-1), promptTokens, i).decode.toFixed(1));
  return `${name} ${prefill.toFixed(1)} and ${decodes.join(", ")} tokens/s`;
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function wholeNumber(option, text) {
  const value = Number(text);
  return Number.isInteger(value) && value > 0 ? value : usage(option, "a whole number of at least 1", text);
}

function usage(option, expected, got) {
  console.error(
    `bench:peers: ${option}: expected ${expected}, got "${got}". The first lines of bench/peers/run.js list the options.`,
  );
  process.exit(2);
}
