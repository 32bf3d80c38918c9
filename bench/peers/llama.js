// One measurement of llama.cpp, in a process of its own: node bench/peers/llama.js '{"entry", "model", "promptTokens", …}'
// The last line of stdout is JSON. The prompt is the same sequence of ids that `longspan bench` uses.
const { entry, model: modelPath, promptTokens, decodeTokens, threads, streams } = JSON.parse(process.argv[2]);
const { getLlama } = await import(entry);

const llama = await getLlama({ gpu: false, build: "never", logLevel: "error", maxThreads: threads });
const model = await llama.loadModel({ modelPath });
const most = Math.max(...streams);
const context = await model.createContext({
  contextSize: promptTokens + decodeTokens + 16,
  sequences: most,
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

// Every stream has the prompt in a sequence of its own. The clock starts when each has its first token; each later one is one
// decode step, computed in one batch for all. End tokens do not end it.
const others = Array.from({ length: most - 1 }, () => context.getSequence());
for (const other of others) await other.evaluateWithoutGeneratingNewTokens(tokenIds);
const all = [sequence, ...others];

async function decode(count) {
  let begun = 0;
  let start;
  let isReady;
  const ready = new Promise((resolve) => {
    isReady = resolve;
  });
  await Promise.all(
    all.slice(0, count).map(async (one) => {
      let steps = 0;
      for await (const _ of one.evaluate([tokenIds[0]], { temperature: 0, yieldEogToken: true })) {
        if (steps === 0) {
          if (++begun === count) {
            start = performance.now();
            isReady();
          }
          await ready;
        }
        if (steps++ === decodeTokens) break;
      }
    }),
  );
  const seconds = (performance.now() - start) / 1000;
  for (const one of all.slice(0, count))
    await one.eraseContextTokenRanges([{ start: promptTokens, end: one.nextTokenIndex }]);
  return { streams: count, seconds };
}

const decodes = [];
for (const count of streams) decodes.push(await decode(count));
console.log(JSON.stringify({ prefillSeconds, streams: decodes, system: llama.systemInfo.trim() }));
process.exit(0);
