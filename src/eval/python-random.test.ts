import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { createNumpyRandom, createPythonRandom } from "./python-random.ts";

// Made by CPython 3.11 and numpy: test/golden/eval/ruler/README.md.
const golden = JSON.parse(readFileSync("test/golden/eval/ruler/official.json", "utf8"));
const range = (n: number) => Array.from({ length: n }, (_, i) => i);

test("random, randint, choice, sample, choices, shuffle and UUIDs of one generator are CPython's, draw for draw", () => {
  const random = createPythonRandom(golden.seed);
  const times = <T>(count: number, draw: () => T) => Array.from({ length: count }, draw);
  const drawn = {
    random: times(3, () => random.next()),
    randint: times(3, () => random.between(1e6, 1e7 - 1)),
    choice: [1, 2, 6171620].map((n) => random.int(n)),
    sample: [
      [5, 5],
      [40, 4],
      [40, 8],
      [30, 12],
      [1000, 7],
    ].map(([n, k]) => random.sample(range(n), k)),
    choices: times(8, () => "abcdefghij"[Math.floor(random.next() * 10)]),
    shuffle: random.shuffle(range(12)),
    uuid: times(2, () => random.uuid().replaceAll("-", "")),
    big: createPythonRandom(2 ** 40 + 5).next(),
  };
  assert.deepEqual(drawn, golden.random);
});

test("pick draws as choice does, and a fork begins anew", () => {
  const items = range(1000);
  assert.equal(createPythonRandom(7).pick(items), createPythonRandom(7).int(1000));
  const random = createPythonRandom(7);
  const first = random.next();
  assert.equal(random.fork("any").next(), first);
  assert.notEqual(random.next(), first);
});

test("numpy's legacy randint gives numpy's numbers", () => {
  const numpy = createNumpyRandom(golden.seed);
  assert.deepEqual(
    golden.numpy.map(() => numpy.between(10000, 99998)),
    golden.numpy,
  );
});

test("too many items, a bound of 0 and a seed with a fraction are refused", () => {
  const random = createPythonRandom(1);
  assert.throws(() => random.sample([1, 2], 3), /3 of 2/);
  assert.throws(() => random.int(0), /got 0/);
  assert.throws(() => createPythonRandom(0.5), /got 0.5/);
});
