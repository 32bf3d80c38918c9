// node bench/sparse.js [--model NAME] [--length 16k] [--plans '[{…},"balanced",…]'] [--rounds 1] [--decode-tokens 24] [--json]
// How much faster real text is read, and written after, under sparse plans: the first plan and the others by turns, on one engine.
// Text: Moby-Dick. Ratios are of medians over the rounds; density is the share of pages that queries saw.
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { gunzipSync } from "node:zlib";

const here = new URL("..", import.meta.url);
const { load, parsePlan, presets } = await import(new URL("dist/src/index.js", here).href);
const { resolveModel } = await import(new URL("dist/src/hub/resolve.js", here).href);

const { values } = parseArgs({
  options: {
    model: { type: "string", default: "qwen2.5-coder-0.5b" },
    length: { type: "string", default: "16k" },
    plans: {
      type: "string",
      default: JSON.stringify([
        {},
        { prefill: { method: "block-sparse" } },
        { prefill: { method: "block-sparse", mass: 0.95 } },
      ]),
    },
    rounds: { type: "string", default: "1" },
    "decode-tokens": { type: "string", default: "24" },
    json: { type: "boolean", default: false },
  },
});
const length = Number(values.length.replace(/k$/i, "")) * (/k$/i.test(values.length) ? 1024 : 1);
const decodeTokens = Number(values["decode-tokens"]);
const plans = JSON.parse(values.plans);

const engine = await load(await resolveModel(values.model));
const text = gunzipSync(readFileSync(new URL("build/haystacks/moby-dick.txt.gz", here))).toString("utf8");
const ids = engine.tokenizer.encode(text.slice(0, 6 * length)).slice(0, length - decodeTokens - 1);
const runs = plans.map(() => []);
for (let round = 0; round < Number(values.rounds); round++)
  for (const [i, plan] of plans.entries()) {
    const session = await engine.session({ plan: presets[plan]?.plan ?? parsePlan(plan) });
    const started = performance.now();
    await session.prefill(ids);
    const read = performance.now();
    let written = 0;
    let first = read;
    for await (const _ of session.generate({ maxTokens: decodeTokens, ignoreEnd: true })) {
      if (written++ === 0) first = performance.now();
    }
    const ended = performance.now();
    const seen = await session.seenPages();
    const sum = (key) => seen.reduce((all, head) => all + head[key], 0);
    runs[i].push({
      prefillSeconds: (read - started) / 1000,
      decodeTokensPerSecond: ((written - 1) / (ended - first)) * 1000,
      density: seen.length > 0 ? sum("seen") / sum("all") : 1,
    });
    await session.dispose();
    console.error(`round ${round + 1}: ${JSON.stringify(plan)} ${JSON.stringify(runs[i].at(-1))}`);
  }
const medians = runs.map((each) => ({
  prefillSeconds: median(each.map(({ prefillSeconds }) => prefillSeconds)),
  decodeTokensPerSecond: median(each.map(({ decodeTokensPerSecond }) => decodeTokensPerSecond)),
  density: each[0].density,
}));
const rows = medians.map((row, i) => ({
  plan: plans[i],
  ...row,
  prefillRatio: medians[0].prefillSeconds / row.prefillSeconds,
  decodeRatio: row.decodeTokensPerSecond / medians[0].decodeTokensPerSecond,
}));
if (values.json) console.log(JSON.stringify({ model: values.model, length: ids.length, rounds: runs[0].length, rows }));
else
  for (const { plan, prefillSeconds, decodeTokensPerSecond, density, prefillRatio, decodeRatio } of rows)
    console.log(
      `${prefillSeconds.toFixed(1).padStart(7)} s ${prefillRatio.toFixed(2)} ×  ${decodeTokensPerSecond.toFixed(1).padStart(5)} tokens/s ${decodeRatio.toFixed(2)} ×  density ${density.toFixed(2)}  ${JSON.stringify(plan)}`,
    );
await engine.dispose();

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
