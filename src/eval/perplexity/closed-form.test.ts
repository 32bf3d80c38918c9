/** Every measure against models whose perplexity can be worked out on paper. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CapacityError, InputError } from "../../runtime/errors.ts";
import { createRandom } from "../random.ts";
import { closedFormModel, documentOfIds, markovModel, uniformModel } from "./closed-form.reference.ts";
import {
  type Likelihood,
  perplexityByContext,
  perplexityByPosition,
  perplexityChunked,
  perplexityShuffledPrefix,
  perplexitySlidingWindow,
} from "./index.ts";

const random = createRandom("closed-form.test");
const idsOf = (length: number, vocabulary = 8) => Array.from({ length }, () => random.int(vocabulary));
const documents = [500, 430, 777].map((length, i) => documentOfIds(`document ${i}`, idsOf(length)));

function close(actual: number, expected: number, bound = 1e-9): void {
  assert.ok(Math.abs(actual - expected) <= bound, `${actual} is not ${expected}`);
}

for (const bosId of [undefined, 7])
  test(`a uniform model has perplexity V = 8 and 1.5 bits a byte of two-byte tokens everywhere, within 1e-9 (${bosId === undefined ? "no BOS" : "BOS"})`, async () => {
    const engine = uniformModel(8, { bosId });
    const { buckets, total } = await perplexityByPosition(engine, documents);
    const { contexts } = await perplexityByContext(engine, documents, { targets: 100 });
    const sliding = await perplexitySlidingWindow(engine, documents, { window: 64, stride: 10 });
    const chunked = await perplexityChunked(engine, documents, { window: 64 });
    const { own, other, none, contextUse } = await perplexityShuffledPrefix(engine, documents, { targets: 100 });
    const all: Likelihood[] = [...buckets, total, ...contexts, sliding.total, chunked.total, own, other, none];
    for (const { perplexity, nll, bitsPerByte, intervals } of all) {
      close(perplexity, 8);
      close(nll, Math.log(8));
      close(bitsPerByte, 1.5);
      if (intervals) close(intervals.nll.high - intervals.nll.low, 0);
    }
    for (const { gain } of contexts) close(gain, 0);
    close(contextUse, 0);
    assert.equal(total.tokens, 500 + 430 + 777 - (bosId === undefined ? 3 : 0));
  });

test("a text drawn from a Markov chain of entropy rate H has exp(H) as its perplexity, within 2 % at 20,000 tokens", async () => {
  const transitions = [
    [0.5, 0.25, 0.25],
    [0.1, 0.8, 0.1],
    [0.25, 0.25, 0.5],
  ];
  // Stationary distribution, from balance: π = (0.2222, 0.5556, 0.2222).
  const stationary = [2 / 9, 5 / 9, 2 / 9];
  const entropy = stationary.reduce(
    (sum, share, from) => sum - share * transitions[from].reduce((inner, p) => inner + p * Math.log(p), 0),
    0,
  );
  const ids = [0];
  while (ids.length < 20_000) {
    const at = random.next();
    const [stay, second] = transitions[ids.at(-1)!];
    ids.push(at < stay ? 0 : at < stay + second ? 1 : 2);
  }
  const engine = markovModel(transitions, { contextLength: 32_768 });
  const { total, buckets } = await perplexityByPosition(engine, [documentOfIds("chain", ids)]);
  assert.ok(Math.abs(total.perplexity / Math.exp(entropy) - 1) < 0.02, `${total.perplexity} ${Math.exp(entropy)}`);
  assert.equal(total.intervals, undefined);
  // A chain sees one token back: no context beyond it gains anything, and another document's end costs nothing on average.
  const { contexts } = await perplexityByContext(engine, [documentOfIds("chain", ids)], {
    targets: 200,
    contexts: [1, 64, 9000],
  });
  for (const { gain } of contexts) close(gain, 0);
  assert.deepEqual(buckets.map(({ from, to }) => [from, to]).slice(0, 3), [
    [0, 32],
    [32, 64],
    [64, 128],
  ]);
});

test("buckets hold the tokens by position, and add up to all", async () => {
  const engine = closedFormModel((seen) => 1 / (seen.length + 1));
  const { buckets, total } = await perplexityByPosition(engine, [documentOfIds("long", idsOf(100))]);
  assert.deepEqual(
    buckets.map(({ from, to, tokens }) => ({ from, to, tokens })),
    [
      { from: 0, to: 32, tokens: 31 },
      { from: 32, to: 64, tokens: 32 },
      { from: 64, to: 100, tokens: 36 },
    ],
  );
  const logFactorial = (n: number) => Array.from({ length: n }, (_, i) => Math.log(i + 1)).reduce((a, b) => a + b, 0);
  close(buckets[1].nll * 32, logFactorial(64) - logFactorial(32));
  close(
    buckets.reduce((sum, { nll, tokens }) => sum + nll * tokens, 0),
    total.nll * total.tokens,
  );
});

/** Knows a token that it has seen: 0.5; otherwise 0.01. */
const copying = (seen: readonly number[], next: number) => (seen.includes(next) ? 0.5 : 0.01);

test("visible context: targets that only the far text has seen gain ln 50 once it is seen, and not before, within 1e-9", async () => {
  // 300 tokens that come back after 200 others.
  const far = Array.from({ length: 300 }, (_, i) => i);
  const filler = Array.from({ length: 200 }, (_, i) => 1000 + i);
  const text = documentOfIds("echo", [...far, ...filler, ...far]);
  const { base, contexts } = await perplexityByContext(closedFormModel(copying), [text], {
    targets: 300,
    contexts: [500, 0, 200, 256],
  });
  assert.equal(base, 256);
  assert.deepEqual(
    contexts.map(({ context }) => context),
    [0, 200, 256, 500],
  );
  // Without BOS the first of the 300 cannot be scored at context 0, and is left out everywhere. With 256 tokens the last
  // 56 of the far text can be seen.
  const nll = (seen: number) => -(seen * Math.log(0.5) + (299 - seen) * Math.log(0.01)) / 299;
  for (const [i, seen] of [0, 0, 56, 299].entries()) {
    assert.equal(contexts[i].tokens, 299);
    close(contexts[i].nll, nll(seen));
    close(contexts[i].gain, nll(56) - nll(seen));
  }
});

test("shuffled prefix: what only the own text has seen costs ln 50 a token after another, as much as after nothing, within 1e-9", async () => {
  const echo = (first: number) => {
    const ids = Array.from({ length: 50 }, (_, i) => first + i);
    return documentOfIds(`echo ${first}`, [...ids, ...ids]);
  };
  const result = await perplexityShuffledPrefix(closedFormModel(copying, { bosId: 9999 }), [echo(0), echo(100)], {
    targets: 50,
  });
  assert.equal(result.context, 50);
  assert.equal(result.own.tokens, 100);
  close(result.own.perplexity, 2);
  close(result.other.perplexity, 100);
  close(result.none.perplexity, 100);
  close(result.contextUse, Math.log(50));
  close(result.contextUseInterval!.low, Math.log(50));
});

test("sliding windows score every token once, with at least window − stride tokens to see after the first window", () =>
  fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 2, max: 60 }),
      fc.integer({ min: 1, max: 60 }),
      fc.integer({ min: 2, max: 200 }),
      fc.boolean(),
      async (window, anyStride, length, bos) => {
        const stride = Math.min(anyStride, window);
        const seenBy = new Map<number, number>();
        const engine = closedFormModel(
          (seen, next) => {
            assert.ok(!seenBy.has(next), `token ${next} was scored twice`);
            seenBy.set(next, seen.length - Number(bos));
            return 0.5;
          },
          { bosId: bos ? 9999 : undefined },
        );
        const ids = Array.from({ length }, (_, i) => i);
        const { total } = await perplexitySlidingWindow(engine, [documentOfIds("text", ids)], { window, stride });
        assert.equal(total.tokens, seenBy.size);
        // Without BOS, disjoint windows cannot score their first tokens.
        const lost = bos ? 0 : stride === window ? Math.ceil(length / window) : 1;
        assert.equal(seenBy.size, length - lost);
        for (const [token, seen] of seenBy)
          assert.ok(token < window ? seen === token : seen >= window - stride && seen < window, `${token} saw ${seen}`);
      },
    ),
    { numRuns: 60, seed: 1 },
  ));

test("chunks are llama.cpp's: BOS in place of the first token of each, window / 2 − 1 scored tokens, the rest dropped", async () => {
  const ids = Array.from({ length: 35 }, (_, i) => i);
  for (const [bosId, inputs] of [
    [undefined, [ids.slice(0, 9), ids.slice(10, 19), ids.slice(20, 29)]],
    // The text as a whole begins with BOS: chunk n begins with token 10 n − 1, which BOS replaces.
    [
      99,
      [
        [99, ...ids.slice(0, 8)],
        [99, ...ids.slice(10, 18)],
        [99, ...ids.slice(20, 28)],
      ],
    ],
  ] as const) {
    const scored: number[] = [];
    const engine = closedFormModel(
      (_, next) => {
        scored.push(next);
        return 0.5;
      },
      { bosId },
    );
    const { total } = await perplexityChunked(engine, [documentOfIds("text", ids)], { window: 10 });
    assert.deepEqual(engine.inputs, inputs);
    assert.equal(total.tokens, 3 * 4);
    const first = bosId === undefined ? 6 : 5;
    assert.deepEqual(
      scored,
      [0, 10, 20].flatMap((begin) => [0, 1, 2, 3].map((i) => begin + first + i)),
    );
  }
});

test("progress ends at the number of tokens that were announced, and an abort is passed on", async () => {
  const calls: [number, number][] = [];
  await perplexityByContext(uniformModel(8), documents, { targets: 100, onProgress: (...call) => calls.push(call) });
  const [done, total] = calls.at(-1)!;
  assert.equal(done, total);
  assert.ok(calls.every(([now, all], i) => all === total && now > (calls[i - 1]?.[0] ?? 0)));
  const reason = new Error("enough");
  const signal = AbortSignal.abort(reason);
  await assert.rejects(perplexityByPosition(uniformModel(8), documents, { signal }), reason);
});

test("what cannot be measured is refused with what would be possible", async () => {
  const engine = uniformModel(8, { contextLength: 600 });
  const short = [documentOfIds("short", idsOf(50)), documents[0]];
  await assert.rejects(perplexityByContext(engine, short, { targets: 50 }), /document short: .* 50 tokens .* got 50/);
  await assert.rejects(perplexityByContext(engine, documents, { targets: 600 }), CapacityError);
  await assert.rejects(
    perplexityByContext(engine, documents, { targets: 100, contexts: [400] }),
    /0 to 330 tokens.* got 400/,
  );
  await assert.rejects(perplexityByContext(engine, [], { targets: 50 }), InputError);
  await assert.rejects(
    perplexityShuffledPrefix(engine, documents.slice(1, 2), { targets: 100 }),
    /two documents, got 1/,
  );
  await assert.rejects(perplexitySlidingWindow(engine, documents, { window: 601 }), CapacityError);
  await assert.rejects(
    perplexitySlidingWindow(engine, documents, { window: 10, stride: 11 }),
    /stride: expected 1 to 10/,
  );
  await assert.rejects(perplexityChunked(engine, short.slice(0, 1), { window: 64 }), /longer text/);
  await assert.rejects(perplexityByPosition(engine, []), InputError);
  await assert.rejects(
    perplexityByPosition(
      closedFormModel(() => Number.NaN),
      documents,
    ),
    /gave NaN/,
  );
});
