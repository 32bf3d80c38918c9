/** What holds for every score, however little of a text is left. Against kvpress: golden.test.ts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type LayerTensors, tensorView } from "../../../../test/support/layer-view.ts";
import { randomFloats } from "../../../../test/support/random.ts";
import type { Choice } from "../../technique.ts";
import { cacheScores } from "./registry.ts";

const choices: Choice[] = [
  "sink-window",
  "key-norm",
  "key-diff",
  { method: "lag-kv", lag: 4 },
  "attention-sum",
  "tova",
  { method: "snapkv", window: 8, kernel: 5 },
  { method: "snapkv", window: 8, kernel: 3, pool: "max" },
  "random",
];
const headDim = 4;
const numHeads = 4;

function scoresOf(choice: Choice, tensors: LayerTensors): Float32Array[] {
  const { technique, options } = cacheScores.chosen(choice);
  return technique.score(tensorView(tensors), options);
}

/** Two KV heads with slots at these positions of a text of `length` tokens; equal seeds give equal tokens. */
function layer(positions: readonly number[][], length: number, seed = 1): LayerTensors {
  const of = (kind: number, head: number, size: number, at: readonly number[]) => {
    const all = randomFloats(length * size, seed + 16 * kind + head);
    return Float32Array.from(at.flatMap((position) => [...all.subarray(position * size, (position + 1) * size)]));
  };
  const heads = Array.from({ length: numHeads }, (_, head) => head);
  const everywhere = firstSlots(length);
  return {
    headDim,
    numHeads,
    length,
    positions: positions.map((row) => Int32Array.from(row)),
    keys: positions.map((row, kvHead) => of(0, kvHead, headDim, row)),
    values: positions.map((row, kvHead) => of(1, kvHead, headDim, row)),
    lastQueries: heads.map((head) => of(2, head, headDim, everywhere.slice(-8))),
    attentionSums: heads.map((head) => of(3, head, 1, positions[Math.floor(head / 2)]).map(Math.abs)),
  };
}

function firstSlots(count: number): number[] {
  return Array.from({ length: count }, (_, slot) => slot);
}

/** A text's length, and the slots that two heads still have of it. */
const remains = fc.integer({ min: 1, max: 24 }).chain((length) => {
  const positions = fc
    .uniqueArray(fc.integer({ min: 0, max: length - 1 }), { minLength: 1, maxLength: length })
    .map((row) => row.sort((a, b) => a - b));
  return fc.record({ length: fc.constant(length), positions: fc.tuple(positions, positions), seed: fc.nat(1000) });
});

for (const choice of choices) {
  const name = JSON.stringify(choice);

  test(`${name}: one number for every slot, never NaN or −∞, whatever slots are left; the same when asked again`, () => {
    fc.assert(
      fc.property(remains, ({ length, positions, seed }) => {
        const scores = scoresOf(choice, layer(positions, length, seed));
        assert.deepEqual(
          scores.map((row) => row.length),
          positions.map((row) => row.length),
        );
        for (const row of scores) for (const score of row) assert.ok(score > Number.NEGATIVE_INFINITY);
        assert.deepEqual(scoresOf(choice, layer(positions, length, seed)), scores);
      }),
      { numRuns: 60 },
    );
  });

  test(`${name}: every length from 1 to 20, so less than a window, a window, and more`, () => {
    for (let length = 1; length <= 20; length++) {
      const all = firstSlots(length);
      for (const row of scoresOf(choice, layer([all, all], length)))
        assert.ok(row.length === length && row.every((score) => score > Number.NEGATIVE_INFINITY));
    }
  });
}

test("vectors of nothing but zeros give numbers", () => {
  const zeros = (count: number) => Array.from({ length: count }, () => new Float32Array(24 * headDim));
  for (const choice of choices) {
    const tensors = { headDim, numHeads, keys: zeros(2), values: zeros(2), lastQueries: zeros(4) };
    const sums = zeros(4).map((row) => row.subarray(0, 24));
    const scores = scoresOf(choice, { ...tensors, attentionSums: sums });
    for (const row of scores) assert.ok(row.every(Number.isFinite), JSON.stringify(choice));
  }
});

test("a score reads what it declares and no more", () => {
  const complete = layer([firstSlots(20), firstSlots(20)], 20);
  for (const choice of choices) {
    const { technique, options } = cacheScores.chosen(choice);
    const needs = technique.needs?.(options) ?? {};
    const given = {
      ...complete,
      lastQueries: complete.lastQueries?.map((rows) => rows.slice(rows.length - (needs.queries ?? 0) * headDim)),
      attentionSums: needs.attentionSums ? complete.attentionSums : undefined,
    };
    assert.equal(technique.score(tensorView(given), options).length, 2, technique.id);
  }
});

test("sink-window: later tokens score higher", () => {
  assert.deepEqual(scoresOf("sink-window", layer([[0, 3, 9], [5]], 10)), [
    Float32Array.of(0, 3, 9),
    Float32Array.of(5),
  ]);
});

test("key-diff: of one key that all share and one that differs, the other stays", () => {
  const keys = [Float32Array.of(1, 0, 2, 0, 0, 0.1, 9, 0)];
  const [row] = scoresOf("key-diff", { headDim: 2, keys });
  assert.equal(row.indexOf(Math.max(...row)), 2);
});

test("attention-sum: by the queries that could see the token, not by those that did after it was cut", () => {
  const tensors = { headDim, keys: [new Float32Array(2 * headDim)], positions: [Int32Array.of(2, 8)], length: 10 };
  const attentionSums = [Float32Array.of(4, 1)];
  assert.deepEqual(scoresOf("attention-sum", { ...tensors, attentionSums }), [Float32Array.of(0.5, 0.5)]);
});

test("tova: the mean over the heads that have the position, and the last token above all", () => {
  const positions = [
    [0, 1, 5],
    [1, 4, 5],
  ];
  const tensors = layer(positions, 6);
  const view = tensorView(tensors);
  const [first, second] = [view.attention(0, 1), view.attention(1, 1)];
  const shared = Math.fround((first[1] + second[0]) / 2);
  const most = Math.max(first[0], shared, second[1]);
  assert.deepEqual(scoresOf("tova", tensors), [
    Float32Array.of(first[0], shared, most + 1),
    Float32Array.of(shared, second[1], most + 1),
  ]);
});

test("snapkv: neighbours are slots, so a gap between positions does not part them", () => {
  const positions = [
    [0, 1, 9, 10, 20, 21, 22, 23],
    [0, 1, 2, 3, 20, 21, 22, 23],
  ];
  const tensors = layer(positions, 24);
  const attention = tensorView(tensors).attention(0, 4);
  const [row] = scoresOf({ method: "snapkv", window: 4, kernel: 3 }, tensors);
  assert.equal(row[1], Math.fround((attention[0] + attention[1] + attention[2]) / 3));
  assert.equal(row[3], Math.fround((attention[2] + attention[3]) / 3));
});

test("snapkv: the window is of positions; what of it was dropped before does not widen it", () => {
  const [first, second] = scoresOf(
    { method: "snapkv", window: 4, kernel: 3 },
    layer(
      [
        [0, 1, 2, 3, 22],
        [0, 20, 21, 22, 23],
      ],
      24,
    ),
  );
  const forced = Math.max(...first);
  assert.ok(forced > 1);
  assert.deepEqual([...first].filter((score) => score === forced).length, 1);
  assert.deepEqual([...second].filter((score) => score === forced).length, 4);
});

test("snapkv: an even kernel is refused", () => {
  const refused = cacheScores.choice.safeParse({ method: "snapkv", kernel: 4 });
  assert.match(refused.error?.issues[0].message ?? "", /odd number/);
});

test("lag-kv: sinks, the last whole lag and the tail score 1, others their rank within the lag", () => {
  for (const tail of [0, 2, 3])
    for (const row of scoresOf(
      { method: "lag-kv", lag: 4 },
      layer([firstSlots(16 + tail), firstSlots(16 + tail)], 16 + tail),
    )) {
      assert.deepEqual([...row.subarray(0, 4), ...row.subarray(12)], Array(8 + tail).fill(1));
      for (const first of [4, 8]) assert.deepEqual([...row.subarray(first, first + 4)].sort(), [0, 0.25, 0.5, 0.75]);
    }
});

test("lag-kv: with less than two lags after the sinks the latest stay", () => {
  const [row] = scoresOf({ method: "lag-kv", lag: 4 }, layer([[0, 2, 6, 7, 8, 9], [0]], 10));
  assert.deepEqual(row, Float32Array.of(1, 1, 0, 0.25, 0.5, 0.75));
});
