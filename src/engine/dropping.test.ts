/** Dropping in the engine, against definitions in f64: what is attended to afterwards, and what scores are shown. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type KernelSpace, withTeam } from "../../test/support/kernels.ts";
import { randomFloats } from "../../test/support/random.ts";
import type { Dropping } from "../context/cache/plan.ts";
import { cacheScores } from "../context/cache/score/registry.ts";
import { defineScore, type LayerView } from "../context/cache/score/score.ts";
import { parsePlan } from "../context/plan.ts";
import { techniqueOptions } from "../context/technique.ts";
import type { ModelConfig } from "../model/config.ts";
import type { Decoder, LayerContext } from "../model/decoder.ts";
import { attentionScratchBytes, PAGE_SLOTS } from "../ops/attention.ts";
import { PagePool } from "./page-pool.ts";
import { Sequence } from "./sequence.ts";
import { SequenceSpace } from "./sequence-space.ts";

const D = 64;
const HEADS = 4;
const KV_HEADS = 2;
const GROUP = HEADS / KV_HEADS;
const CHUNK = 192;
const BASE = 10_000;
const LENGTH = 230;

interface Heads {
  readonly q: Float32Array;
  readonly k: Float32Array;
  readonly v: Float32Array;
}
const inputs: Heads = {
  q: randomFloats((LENGTH + 1) * HEADS * D, 1),
  k: randomFloats((LENGTH + 1) * KV_HEADS * D, 2),
  v: randomFloats((LENGTH + 1) * KV_HEADS * D, 3),
};

/** A score that shows its view to the test; it drops by a fixed pattern that differs between heads. */
let seen: ((view: LayerView) => void) | undefined;
const patternOf = (kvHead: number, position: number) => (position * 37 + kvHead * 11) % 101;
cacheScores.add(
  defineScore({
    id: "test-pattern",
    summary: "by a pattern",
    source: "",
    options: techniqueOptions("test-pattern", {}),
    needs: () => ({ queries: 64, statistics: true, attentionSums: true }),
    score: (view) => {
      seen?.(view);
      return Array.from({ length: KV_HEADS }, (_, kvHead) =>
        Float32Array.from(view.positions(kvHead), (position) => patternOf(kvHead, position)),
      );
    },
  }),
);
const dropping = (more: object) =>
  parsePlan({ cache: { score: "test-pattern", sinks: 4, window: 20, ...more } }).cache as unknown as Dropping;

interface Run {
  readonly sequence: Sequence;
  readonly pool: PagePool;
  read(tokens: number): Float32Array;
  drop(dropping: Dropping, once?: boolean): void;
}

async function withSequence(cache: object, interleaved: boolean, use: (run: Run) => void): Promise<void> {
  const config = {
    ...{ contextLength: 1024, numHeads: HEADS, numKvHeads: KV_HEADS, headDim: D, attentionScale: 1 / 8, rotary: D },
    ...{ ropeInterleaved: interleaved, layers: [{ window: 0, rope: { base: BASE } }] },
  } as unknown as ModelConfig;
  const work = ({ heap, team }: KernelSpace) => {
    const pool = new PagePool(heap);
    const space = new SequenceSpace(heap, config, CHUNK);
    const sequence = new Sequence({ team, heap, pool, config, space, plan: parsePlan({ cache }) });
    const [q, k, v, result] = [HEADS, KV_HEADS, KV_HEADS, HEADS].map((heads) => heap.allocate(CHUNK * heads * D * 4));
    const read = (tokens: number) => {
      const at = sequence.length;
      const out = new Float32Array(tokens * HEADS * D);
      const forward = (_: Int32Array, context: LayerContext) => {
        for (const [to, from, heads] of [
          [q, inputs.q, HEADS],
          [k, inputs.k, KV_HEADS],
          [v, inputs.v, KV_HEADS],
        ] as const)
          heap.floats(to, tokens * heads * D).set(from.subarray(at * heads * D, (at + tokens) * heads * D));
        context.rotate(0, q, k);
        context.append(0, k, v);
        context.attend(0, result, q);
        out.set(heap.floats(result, tokens * HEADS * D));
      };
      sequence.run({ forward } as unknown as Decoder, new Int32Array(tokens));
      return out;
    };
    const drop = (plan: Dropping, once = true) => sequence.drop({} as Decoder, plan, { once });
    use({ sequence, pool, read, drop });
    sequence.dispose();
    assert.equal(pool.usedBytes, 0, "pages were lost");
  };
  await withTeam("relaxed", 2, work, attentionScratchBytes(config, PAGE_SLOTS));
}

/** Head `head` of token t, turned to its position, in f64. */
function turned(from: Float32Array, heads: number, t: number, head: number, interleaved: boolean): number[] {
  const x = Array.from(from.subarray((t * heads + head) * D, (t * heads + head + 1) * D));
  const out = [...x];
  for (let m = 0; m < D / 2; m++) {
    const angle = t * BASE ** ((-2 * m) / D);
    const [a, b] = interleaved ? [2 * m, 2 * m + 1] : [m, m + D / 2];
    out[a] = x[a] * Math.cos(angle) - x[b] * Math.sin(angle);
    out[b] = x[a] * Math.sin(angle) + x[b] * Math.cos(angle);
  }
  return out;
}

/** Softmax weights of query head `head` of token t over the positions, in f64. */
function weightsOf(t: number, head: number, positions: readonly number[], interleaved: boolean): number[] {
  const q = turned(inputs.q, HEADS, t, head, interleaved);
  const scores = positions.map((j) => {
    const k = turned(inputs.k, KV_HEADS, j, Math.floor(head / GROUP), interleaved);
    return q.reduce((sum, x, c) => sum + x * k[c], 0) / Math.sqrt(D);
  });
  const most = Math.max(...scores);
  const weights = scores.map((score) => Math.exp(score - most));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

function range(end: number): number[] {
  return Array.from({ length: end }, (_, i) => i);
}

function close(got: ArrayLike<number>, expected: ArrayLike<number>, bound: number, what: string): void {
  assert.equal(got.length, expected.length, what);
  for (let i = 0; i < got.length; i++)
    assert.ok(Math.abs(got[i] - expected[i]) <= bound, `${what}: ${i}: ${got[i]}, expected ${expected[i]}`);
}

for (const [format, bound] of [
  ["f32", 1e-5],
  ["q8", 0.03],
] as const)
  for (const once of [true, false])
    test(`${format}, ${once ? "joined pages" : "masked slots"}: the next token attends to the kept slots alone, within ${bound}`, () =>
      withSequence(
        { score: "test-pattern", budget: 100, sinks: 4, window: 20, format },
        false,
        ({ sequence, read, drop }) => {
          for (const tokens of [192, LENGTH - 192]) read(tokens);
          drop(dropping({ budget: 200 }), once);
          drop(dropping({ budget: 100 }), once);
          const kept = sequence.kept().map(({ positions }) => [...positions]);
          for (const [kvHead, positions] of kept.entries()) {
            const ranked = range(LENGTH - 20)
              .slice(4)
              .sort((a, b) => patternOf(kvHead, b) - patternOf(kvHead, a));
            const wanted = [...range(4), ...ranked.slice(0, 76), ...range(LENGTH).slice(-20)].sort((a, b) => a - b);
            // Equal numbers of the pattern: earlier positions stay.
            assert.equal(positions.length, 100);
            assert.ok(positions.filter((position) => !wanted.includes(position)).length <= 3);
          }
          const out = read(1);
          for (let head = 0; head < HEADS; head++) {
            const kvHead = Math.floor(head / GROUP);
            const positions = [...kept[kvHead], LENGTH];
            const weights = weightsOf(LENGTH, head, positions, false);
            const expected = range(D).map((c) =>
              positions.reduce((sum, j, i) => sum + weights[i] * inputs.v[(j * KV_HEADS + kvHead) * D + c], 0),
            );
            close(out.subarray(head * D, (head + 1) * D), expected, bound, `head ${head}`);
          }
        },
      ));

for (const interleaved of [false, true])
  test(`${interleaved ? "interleaved" : "split"} pairs, f32: a score sees keys, values, queries' weights, sums and statistics as defined, within 2e-5`, () =>
    withSequence(
      { score: "test-pattern", budget: 100, sinks: 4, window: 20, format: "f32" },
      interleaved,
      ({ read, drop }) => {
        for (const tokens of [130, 60, LENGTH - 190]) read(tokens);
        let looked = 0;
        seen = (view) => {
          looked++;
          for (let kvHead = 0; kvHead < KV_HEADS; kvHead++) {
            assert.deepEqual([...view.positions(kvHead)], range(LENGTH));
            const keys = range(LENGTH).flatMap((j) => turned(inputs.k, KV_HEADS, j, kvHead, interleaved));
            close(view.keys(kvHead), keys, 2e-5, "keys");
            const values = range(LENGTH).flatMap((j) => [
              ...inputs.v.subarray((j * KV_HEADS + kvHead) * D, (j * KV_HEADS + kvHead + 1) * D),
            ]);
            assert.deepEqual([...view.values(kvHead)], values);
            for (const rows of [1, 64]) {
              const mean = new Float64Array(LENGTH);
              for (let t = LENGTH - rows; t < LENGTH; t++)
                for (let h = 0; h < GROUP; h++)
                  weightsOf(t, kvHead * GROUP + h, range(t + 1), interleaved).forEach((weight, j) => {
                    mean[j] += weight / (rows * GROUP);
                  });
              close(view.attention(kvHead, rows), mean, 2e-5, `weights of ${rows} queries`);
            }
            const sums = new Float64Array(LENGTH);
            for (let t = 0; t < LENGTH; t++)
              for (let h = 0; h < GROUP; h++)
                weightsOf(t, kvHead * GROUP + h, range(t + 1), interleaved).forEach((weight, j) => {
                  sums[j] += weight / GROUP;
                });
            close(view.attentionSums(kvHead), sums, 2e-4, "sums");
          }
          for (let head = 0; head < HEADS; head++) {
            const rows = range(LENGTH)
              .slice(4)
              .map((t) => [...inputs.q.subarray((t * HEADS + head) * D, (t * HEADS + head + 1) * D)]);
            const mean = range(D).map((c) => rows.reduce((sum, row) => sum + row[c], 0) / rows.length);
            const covariance = range(D).flatMap((i) =>
              range(D).map(
                (j) => rows.reduce((sum, row) => sum + (row[i] - mean[i]) * (row[j] - mean[j]), 0) / rows.length,
              ),
            );
            const statistics = view.queryStatistics(head);
            assert.equal(statistics.count, LENGTH - 4);
            close(statistics.mean, mean, 1e-9, "mean");
            close(statistics.covariance, covariance, 1e-9, "covariance");
          }
        };
        drop(dropping({ budget: 100 }));
        seen = undefined;
        assert.equal(looked, 1);
      },
    ));

for (const score of [
  "key-norm",
  "key-diff",
  "lag-kv",
  "attention-sum",
  "tova",
  "snapkv",
  "expected-attention",
  "random",
])
  test(`${score}: where slots lie in pages changes nothing: joined or masked, the same slots are kept next`, async () => {
    const keptBy = async (once: boolean) => {
      let kept: number[][] = [];
      const cache = { score, sinks: 4, window: 20, format: "f32" };
      await withSequence({ ...cache, budget: 100 }, false, ({ sequence, read, drop }) => {
        for (const tokens of [192, LENGTH - 192]) read(tokens);
        for (const budget of [170, 100])
          drop(parsePlan({ cache: { ...cache, budget } }).cache as unknown as Dropping, once);
        kept = sequence.kept().map(({ positions }) => [...positions]);
      });
      return kept;
    };
    assert.deepEqual(await keptBy(true), await keptBy(false));
  });

test("pages that two sequences hold stay as they were for the one that drops nothing, and are given back with the last", () =>
  withSequence(
    { score: "test-pattern", budget: 100, sinks: 4, window: 20 },
    false,
    ({ sequence, pool, read, drop }) => {
      for (const tokens of [192, LENGTH - 192]) read(tokens);
      const before = sequence.kept().map(({ positions }) => [...positions]);
      const used = pool.usedBytes;
      const fork = sequence.fork();
      fork.drop({} as Decoder, dropping({ budget: 60 }), { once: false });
      assert.deepEqual(
        sequence.kept().map(({ positions }) => [...positions]),
        before,
      );
      assert.ok(fork.kept().every(({ positions }) => positions.length === 60));
      fork.dispose();
      assert.equal(pool.usedBytes, used);
      drop(dropping({ budget: 60 }));
      assert.ok(pool.usedBytes < used);
    },
  ));

test("merging moves the values of kept slots, and leaves them near their own", () =>
  withSequence(
    { score: "test-pattern", budget: 100, sinks: 4, window: 20, format: "f32" },
    false,
    ({ sequence, read, drop }) => {
      for (const tokens of [192, LENGTH - 192]) read(tokens);
      drop(dropping({ budget: 100, merge: true }));
      let values: Float32Array | undefined;
      seen = (view) => {
        values = view.values(0).slice();
      };
      const kept = [...sequence.kept()[0].positions];
      drop(dropping({ budget: 90 }));
      seen = undefined;
      assert.ok(values);
      const original = kept.flatMap((j) => [...inputs.v.subarray(j * KV_HEADS * D, j * KV_HEADS * D + D)]);
      const changed = kept.filter((_, i) => range(D).some((c) => values && values[i * D + c] !== original[i * D + c]));
      assert.ok(changed.length > 20, `${changed.length} of ${kept.length} values changed`);
      // Random keys are hardly alike: a merged value stays near its own.
      close(values, original, 3, "values");
    },
  ));
