// Whether a pass key is found at ten depths of a text of 8,000 tokens: about ten minutes on two cores.
//   node bench/passkey.js [model] [tokens]     after npm ci; a table, then one line of JSON
import { load } from "../dist/src/index.js";
import { modelPath } from "../dist/test/support/models.js";
import { depths, runPasskey } from "../dist/test/support/passkey.js";

const [model = "qwen2.5-coder-0.5b", length = "8000"] = process.argv.slice(2);
const engine = await load(await modelPath(model));
const results = [];
console.log("depth  tokens  seconds  key    answer");
for (const depth of depths) {
  const result = await runPasskey(engine, Number(length), depth);
  const { promptTokens, prefillSeconds, key, answer, isFound } = result;
  const cells = [depth.toFixed(2).padEnd(5), String(promptTokens).padStart(6), prefillSeconds.toFixed(1).padStart(7)];
  console.log([...cells, key, `${isFound ? "✓" : "✗"} ${JSON.stringify(answer)}`].join("  "));
  results.push(result);
}
await engine.dispose();
const found = results.filter(({ isFound }) => isFound).length;
console.log(`found ${found} of ${results.length}`);
console.log(JSON.stringify({ model, tokens: Number(length), found, of: results.length, results }));
