// One measurement of llama.cpp, in a process of its own: node bench/peers/llama.js '{"entry", "model", "promptTokens", …}'
// The last line of stdout is JSON. The prompt is the same sequence of ids that `longspan bench` uses.
const { entry, model: modelPath, promptTokens, decodeTokens, threads } = JSON.parse(process.argv[2]);
const { getLlama } = await import(entry);

const llama = await getLlama({ gpu: false, build: "never", logLevel: "error", maxThreads: threads });
const model = await llama.loadModel({ modelPath });
const context = await model.createContext({
  contextSize: promptTokens + decodeTokens + 16,
  batchSize: 512,
  flashAttention: true,
  threads,
});
const sequence = context.getSequence();
const tokenIds = Array.from({ length: promptTokens }, (_, i) => 1000 + ((i * 7919) % 20_000));

const warmUp = tokenIds.slice(0, 256);
await sequence.evaluateWithoutGeneratingNewTokens(warmUp);
await sequence.clearHistory();

const prefillStart = performance.now();
await sequence.evaluateWithoutGeneratingNewTokens(tokenIds);
const prefillSeconds = (performance.now() - prefillStart) / 1000;

// The clock starts with the first token that comes out; each later one is one decode step. End tokens do not end it.
let decodeStart;
let steps = 0;
for await (const _ of sequence.evaluate([tokenIds[0]], { temperature: 0, yieldEogToken: true })) {
  if (decodeStart === undefined) decodeStart = performance.now();
  else if (++steps === decodeTokens) break;
}
const decodeSeconds = (performance.now() - decodeStart) / 1000;
console.log(JSON.stringify({ prefillSeconds, decodeSeconds, system: llama.systemInfo.trim() }));
process.exit(0);
