import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { heaviest } from "./block-sparse.ts";
import { divergence, fewest } from "./flex.ts";
import type { QueryBlock } from "./method.ts";
import { endsOf } from "./options.ts";
import { prefillMethods } from "./registry.ts";
import { pagesOf, sumsByPage } from "./vertical-slash.ts";

const shares = fc.array(fc.float({ min: 0, max: 1, noNaN: true }), { minLength: 2, maxLength: 40 }).map((values) => {
  const total = values.reduce((sum, value) => sum + value, 1e-3);
  return Float32Array.from(values, (value) => (value + 1e-3 / values.length) / total);
});
const mass = fc.double({ min: 0.05, max: 1, noNaN: true });
const sumOf = (values: Iterable<number>) => [...values].reduce((sum, value) => sum + value, 0);

test("block-sparse: first, previous and own page and the heaviest others hold the mass, and one less would not", () =>
  fc.assert(
    fc.property(shares, mass, (masses, least) => {
      const page = masses.length - 1;
      const seen = heaviest(masses, page, least);
      assert.deepEqual(
        seen,
        [...new Set(seen)].sort((a, b) => a - b),
        "ascending, each once",
      );
      const always = [0, page - 1].filter((n) => n < page);
      assert.ok(always.every((n) => seen.includes(n)) && !seen.includes(page));
      const held = sumOf([...seen, page].map((n) => masses[n]));
      const total = sumOf(masses);
      assert.ok(held >= least * total - 1e-6 || seen.length === page);
      const chosen = seen.filter((n) => !always.includes(n));
      const lightest = Math.min(...chosen.map((n) => masses[n]));
      if (chosen.length > 0) assert.ok(held - lightest < least * total + 1e-6, "the last one was needed");
      for (let n = 1; n < page - 1; n++) if (!seen.includes(n)) assert.ok(masses[n] <= lightest);
    }),
  ));

test("block-sparse: layers in the middle see the mass that is theirs, given as shares of the model or as numbers; at 1 everything", () => {
  const pagesIn = (options: object, layer: number) => {
    const { technique, options: chosen } = prefillMethods.chosen({ method: "block-sparse", mass: 0.5, ...options });
    const masses = Float32Array.of(0, 0.1, 0.2, 0.3, 0.2, 0.1, 0, 0.1);
    const block = { layer, numLayers: 24, page: 7, tokensAfter: 0, masses };
    return technique.pages(chosen, block)?.length;
  };
  const few = pagesIn({}, 6)!;
  for (const middle of [
    { from: 0.25, to: 0.5, mass: 0.98 },
    { from: 6, to: 12, mass: 0.98 },
    { from: 0.25, to: 12, mass: 0.98 },
  ]) {
    const counts = [5, 6, 11, 12].map((layer) => pagesIn({ middle }, layer));
    assert.deepEqual([counts[0], counts[3]], [few, few]);
    assert.ok(counts[1]! > few && counts[2] === counts[1], `${counts}`);
  }
  const all = { from: 0.25, to: 0.5, mass: 1 };
  assert.deepEqual([pagesIn({ middle: all }, 6), pagesIn({ middle: all }, 12)], [undefined, few]);
  assert.equal(pagesIn({ mass: 1, middle: { ...all, mass: 0.5 } }, 6), few);
  for (const middle of [
    { from: 0.5, to: 0.25, mass: 0.9 },
    { from: 1.5, to: 3, mass: 0.9 },
    { from: 0.1, mass: 0.9 },
  ])
    assert.throws(() => prefillMethods.chosen({ method: "block-sparse", middle }));
});

test("flex: the fewest places that hold a share are found as by trying all counts", () =>
  fc.assert(
    fc.property(shares, mass, (values, share) => {
      const found = fewest(values, share);
      const sorted = [...values].sort((a, b) => b - a);
      const total = sumOf(values);
      const count = sorted.findIndex((_, n) => sumOf(sorted.slice(0, n + 1)) >= share * total - 1e-9) + 1;
      assert.ok(Math.abs(found.length - (count || values.length)) <= 1);
      assert.ok(sumOf(found.map((n) => values[n])) >= share * total - 1e-6);
    }),
  ));

test("flex: the divergence of equal shares is 0, that of shares without a place in common 1, and it is symmetric", () => {
  const [a, b] = [Float32Array.of(0.5, 0.5, 0, 0), Float32Array.of(0, 0, 0.25, 0.75)];
  assert.equal(divergence(a, a), 0);
  assert.ok(Math.abs(divergence(a, b) - 1) < 1e-6);
  fc.assert(
    fc.property(shares, (values) => {
      const other = values.toReversed();
      assert.ok(Math.abs(divergence(values, other) - divergence(other, values)) < 1e-9);
    }),
  );
});

test("vertical-slash: one key that all look at is a page, one distance that all look back by is a distance", () => {
  const page = 9;
  const attention = {
    page,
    masses: new Float32Array(page + 1),
    vertical: new Float32Array(64 * (page + 1)),
    slash: new Float32Array(64 * (page + 1)),
  };
  attention.vertical[3 * 64 + 7] = 1;
  attention.slash[5 * 64] = 1;
  attention.slash[2 * 64 + 16] = 1;
  const { vertical, slash } = sumsByPage(attention);
  assert.deepEqual([...vertical], [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  assert.deepEqual([...slash], [0, 0, 0.75, 0.25, 0, 1, 0, 0, 0, 0]);
  assert.deepEqual(pagesOf({ vertical: [3], slash: [5] }, 12), [0, 3, 7, 11]);
  assert.deepEqual(pagesOf({ vertical: [3], slash: [5] }, 2), [0, 1]);
});

test("sink-window: pages of the first and last tokens, all where these meet", () => {
  assert.deepEqual(endsOf(10, { sinks: 65, window: 128 }), [0, 1, 8, 9]);
  assert.deepEqual(endsOf(3, { sinks: 64, window: 640 }), [0, 1, 2]);
  assert.deepEqual(endsOf(0, { sinks: 64, window: 64 }), []);
});

test("triangle: layers from `from` on see the ends, but for blocks within the last tokens of the prompt", () => {
  const { technique, options } = prefillMethods.chosen({ method: "triangle", from: 2, window: 64, last: 128 });
  const block = (layer: number, tokensAfter: number): QueryBlock => {
    return { layer, numLayers: 4, page: 5, tokensAfter, masses: new Float32Array(0) };
  };
  assert.equal(technique.pages(options, block(1, 1000)), undefined);
  assert.deepEqual(technique.pages(options, block(2, 1000)), [0, 4]);
  assert.deepEqual(technique.pages(options, block(3, 65)), [0, 4]);
  assert.equal(technique.pages(options, block(3, 64)), undefined);
});
