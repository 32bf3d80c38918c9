/** Sessions that are written at the same time are computed together, and none can tell. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import fc from "fast-check";
import { type Engine, type GenerateOptions, parsePlan, type Session } from "../../src/index.ts";
import { loadTiny, randomIds } from "../support/sessions.ts";

const engines = [await loadTiny("qwen2-q8_0"), await loadTiny("gemma3-f16")];
after(() => Promise.all(engines.map((engine) => engine.dispose())));

const plans = [
  {},
  { cache: { format: "f32" } },
  { cache: { format: "q4" } },
  { cache: { score: "snapkv", budget: 96, window: 16 } },
  { cache: { score: "attention-sum", budget: 120, window: 16, schedule: { method: "every-n", every: 64 } } },
  { position: { method: "yarn", factor: 4 } },
  { position: { method: "self-extend" } },
].map((plan) => parsePlan(plan));

interface Part {
  readonly plan: number;
  readonly length: number;
  readonly maxTokens: number;
  readonly temperature: number;
}

const part = fc.record({
  plan: fc.nat(plans.length - 1),
  length: fc.oneof(fc.integer({ min: 1, max: 200 }), fc.constantFrom(63, 64, 600, 700)),
  maxTokens: fc.oneof(fc.integer({ min: 1, max: 24 }), fc.constant(70)),
  temperature: fc.constantFrom(0, 1),
});

/** Every token with its log probability and the likeliest: equal only if the logits are, bit for bit. */
async function written(session: Session, options: GenerateOptions) {
  const tokens: unknown[] = [];
  for await (const { tokenId, logProb, top } of session.generate({ logProbs: 5, ignoreEnd: true, ...options }))
    tokens.push([tokenId, logProb, top?.map(({ tokenId, logProb }) => [tokenId, logProb])]);
  return tokens;
}

async function run(engine: Engine, { plan, length, maxTokens, temperature }: Part, index: number) {
  const session = await engine.session({ plan: plans[plan], trace: index === 1 });
  await session.prefill(randomIds(engine, length, index));
  return {
    write: () => written(session, { maxTokens, temperature, seed: index }),
    end: async () => {
      const trace = index === 1 ? await session.trace() : [];
      const kept = await session.kept();
      await session.dispose();
      return { trace, kept };
    },
  };
}

test("up to six sessions of any plan and length, written together, give the logits, trace and kept slots of each alone, bit for bit", () =>
  fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...engines),
      fc.array(part, { minLength: 2, maxLength: 6 }),
      async (engine, parts) => {
        const alone: unknown[] = [];
        for (const [index, each] of parts.entries()) {
          const one = await run(engine, each, index);
          alone.push([await one.write(), await one.end()]);
        }
        const sessions = await Promise.all(parts.map((each, index) => run(engine, each, index)));
        const texts = await Promise.all(sessions.map(({ write }) => write()));
        const ends = await Promise.all(sessions.map(({ end }) => end()));
        assert.deepEqual(
          texts.map((text, i) => [text, ends[i]]),
          alone,
        );
      },
    ),
    { numRuns: 8, seed: 3 },
  ));

test("40 forks written together, more than one step takes, give what one gives, and one that is broken off leaves the rest", async () => {
  const [engine] = engines;
  const session = await engine.session();
  await session.prefill(randomIds(engine, 300, 1));
  const forks: Session[] = [];
  while (forks.length < 40) forks.push(await session.fork());
  const abort = new AbortController();
  const texts = await Promise.allSettled(
    forks.map(async (fork, i) => {
      const tokens: unknown[] = [];
      const options = { maxTokens: 12, ignoreEnd: true, signal: i === 7 ? abort.signal : undefined };
      for await (const { tokenId } of fork.generate(options)) {
        tokens.push(tokenId);
        if (i === 7 && tokens.length === 3) abort.abort(new Error("enough"));
      }
      return tokens;
    }),
  );
  const [first] = texts;
  assert.ok(first.status === "fulfilled" && first.value.length === 12);
  texts.forEach((text, i) => {
    if (i === 7) assert.equal(text.status, "rejected");
    else assert.deepEqual(text, first, `fork ${i}`);
  });
  const before = await engine.memory();
  await Promise.all(forks.map((fork) => fork.dispose()));
  assert.ok((await engine.memory()).cacheBytes < before.cacheBytes);
  await session.dispose();
});

test("a reader that stops in the middle of its text does not hold up the others", async () => {
  const [engine] = engines;
  const open = async () => {
    const session = await engine.session();
    await session.prefill(randomIds(engine, 20, 2));
    return session;
  };
  const [slow, quick] = [await open(), await open()];
  const reader = slow.generate({ maxTokens: 50, ignoreEnd: true })[Symbol.asyncIterator]();
  await reader.next();
  const start = performance.now();
  assert.equal((await written(quick, { maxTokens: 30 })).length, 30);
  assert.ok(performance.now() - start < 30 * 100, "at most 100 ms a token");
  await reader.return?.();
  await Promise.all([slow.dispose(), quick.dispose()]);
});

test("while a long prompt is read, a session that is written gets a token after at most 3 of its chunks, and chunks are of 128 tokens", async () => {
  const [engine] = engines;
  const [writer, reader] = [await engine.session(), await engine.session()];
  await writer.prefill(randomIds(engine, 50, 1));
  const done: number[] = [];
  const seen: number[] = [];
  const abort = new AbortController();
  const writing = (async () => {
    for await (const _ of writer.generate({ ignoreEnd: true, signal: abort.signal })) seen.push(done.length);
  })().catch(() => {});
  await reader.prefill(randomIds(engine, 1900, 2), { onProgress: (tokens) => done.push(tokens) });
  abort.abort(new Error("enough"));
  await writing;
  assert.ok(done.length >= 1900 / 128, `${done.length} chunks`);
  const waits = seen.map((chunks, i) => chunks - (seen[i - 1] ?? 0));
  assert.ok(Math.max(...waits) <= 3, `${waits}`);
  assert.ok(seen.length >= 5, `${seen.length} tokens`);
  await Promise.all([writer.dispose(), reader.dispose()]);
});
