// How much faster a function is written out with one change when tokens are guessed:
//   node bench/speculate.js [--model qwen2.5-coder-0.5b] [--rounds 3] [--speculate prompt-lookup] [--prefix-tokens 0] [--json]
// after npm ci. Plain and guessing answers by turns, on one engine: A B A B. Medians, their ratio, and what came of the guesses.
// --prefix-tokens puts so many tokens of Moby-Dick before the function; --speculate takes an id or JSON, --plan the rest of the plan,
// --plain the plan of the plain answers where it is another: '{}' for self-speculate, whose decode is for drafts only.
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { gunzipSync } from "node:zlib";
import { load, parsePlan } from "../dist/src/index.js";
import { editPrompt, editTokens } from "../dist/test/support/edit-task.js";
import { modelPath } from "../dist/test/support/models.js";

const { values } = parseArgs({
  options: {
    model: { type: "string", default: "qwen2.5-coder-0.5b" },
    rounds: { type: "string", default: "3" },
    speculate: { type: "string", default: "prompt-lookup" },
    plan: { type: "string", default: "{}" },
    plain: { type: "string" },
    "prefix-tokens": { type: "string", default: "0" },
    json: { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);
const prefixTokens = Number(values["prefix-tokens"]);
if (!(rounds >= 1) || !(prefixTokens >= 0))
  throw new Error("speculate: expected numbers for --rounds and --prefix-tokens");

const engine = await load(await modelPath(values.model));
const speculate = values.speculate.startsWith("{") ? JSON.parse(values.speculate) : values.speculate;
const plan = JSON.parse(values.plan);
const plans = {
  plain: parsePlan(JSON.parse(values.plain ?? values.plan)),
  guessing: parsePlan({ ...plan, speculate }),
};
const prompt = [...prefix(prefixTokens), ...editPrompt(engine)];
const speeds = { plain: [], guessing: [] };
const answers = {};
let counts;
for (let round = 0; round < rounds; round++)
  for (const [name, plan] of Object.entries(plans)) {
    const session = await engine.session({ plan });
    await session.prefill(prompt);
    const ids = [];
    const start = performance.now();
    for await (const { tokenId } of session.generate({ maxTokens: editTokens })) ids.push(tokenId);
    speeds[name].push((ids.length / (performance.now() - start)) * 1000);
    answers[name] ??= ids;
    counts = session.speculation ?? counts;
    await session.dispose();
    if (!values.json) console.log(`${name.padEnd(9)} ${speeds[name].at(-1).toFixed(1).padStart(6)} tokens/s`);
  }
const { contextLength } = engine.model;
await engine.dispose();
if (answers.plain.join() !== answers.guessing.join()) throw new Error("speculate: the two answers differ");

const tokens = answers.plain.length;
const plain = median(speeds.plain);
const guessing = median(speeds.guessing);
const ratio = guessing / plain;
if (values.json)
  console.log(
    JSON.stringify({
      ...{ model: values.model, contextLength, promptTokens: prompt.length, tokens, speculate, plan, rounds },
      ...{ plainTokensPerSecond: plain, tokensPerSecond: guessing, ratio, ...counts, speeds },
    }),
  );
else {
  const { steps, drafted, accepted } = counts;
  console.log(
    `${tokens} tokens behind ${prompt.length}: ${plain.toFixed(1)} tokens/s plain, ${guessing.toFixed(1)} guessing`,
  );
  console.log(`${ratio.toFixed(2)} times as fast: ${steps} steps, ${accepted} of ${drafted} drafted tokens right`);
}

function prefix(count) {
  if (count === 0) return [];
  const file = new URL("../build/haystacks/moby-dick.txt.gz", import.meta.url);
  const text = gunzipSync(readFileSync(file)).toString("utf8");
  return engine.tokenizer.encode(text.slice(0, 8 * count)).slice(0, count);
}

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
