/** The conformance suite over every entry of the registries, on tiny models with and without sliding windows. */
import { after, test } from "node:test";
import { cacheAllocations } from "../../src/context/cache/allocation/registry.ts";
import { cacheFormats } from "../../src/context/cache/format/registry.ts";
import { cacheScores } from "../../src/context/cache/score/registry.ts";
import { type CacheChoices, cacheConformance } from "../../src/index.ts";
import { loadTiny } from "../support/sessions.ts";

const engine = await loadTiny("qwen2-q8_0");
const windows = await loadTiny("gemma3-f16");
after(() => Promise.all([engine, windows].map((each) => each.dispose())));

const scores = cacheScores.members.map(({ id }) => id).filter((id) => id !== "keep-all");
const choices: CacheChoices[] = [
  ...scores.map((score) => ({ score })),
  ...cacheAllocations.members.flatMap(({ id, needsCalibration }) =>
    needsCalibration ? [] : [{ score: "snapkv", allocation: id }],
  ),
  ...cacheFormats.members.map(({ id }) => ({ score: "key-diff", format: id })),
  { score: "key-diff", format: "q3", layers: [{ layers: [0], format: "f32" }] },
  { score: "snapkv", merge: true },
];
for (const each of choices) for (const { title, run } of cacheConformance(engine, each)) test(title, run);
for (const { title, run } of cacheConformance(windows, { score: "key-diff" })) test(`sliding windows: ${title}`, run);
