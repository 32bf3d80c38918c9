import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { areaScore, type CurvePoint, effectiveLengths } from "./effective-length.ts";
import { wilson } from "./wilson.ts";

const close = (got: number | undefined, expected: number, bound: number) => {
  assert.ok(got !== undefined && Math.abs(got - expected) <= bound, `expected ${expected} ± ${bound}, got ${got}`);
};

const sure = (length: number, score: number): CurvePoint => ({ length, score, interval: { low: score, high: score } });
const measured = (length: number, score: number, n: number): CurvePoint => ({
  length,
  score,
  interval: wilson(score, n),
});

test("Llama-2-7B-chat's 85.6 at 4K passes by the absolute rule; the next length is interpolated over log2, to 1e-9", () => {
  const [absolute] = effectiveLengths([sure(4096, 0.896), sure(8192, 0.816)]);
  assert.equal(absolute.tested, 4096);
  // Half way from 0.896 to 0.816 lies 0.856: half an octave up.
  close(absolute.interpolated, 4096 * Math.SQRT2, 1e-9);
  assert.equal(absolute.open, false);
  assert.equal(effectiveLengths([sure(4096, 0.856)])[0].tested, 4096);
});

test("a model under 85.6 from the start has no absolute length, and a relative one of its own base", () => {
  const [absolute, relative, statistical] = effectiveLengths([
    sure(512, 0.62),
    sure(1024, 0.58),
    sure(2048, 0.52),
    sure(4096, 0.5),
  ]);
  assert.deepEqual([absolute.tested, absolute.interpolated, absolute.open], [undefined, undefined, false]);
  assert.deepEqual(relative.baseLengths, [512, 1024]);
  close(relative.threshold, 0.85 * 0.6, 1e-12);
  assert.equal(relative.tested, 2048);
  close(relative.interpolated, 2048 * Math.SQRT2, 1e-6);
  assert.equal(statistical.tested, 2048);
});

test("without lengths to 1K the shortest is the base", () => {
  const [, relative] = effectiveLengths([sure(4096, 0.8), sure(8192, 0.68), sure(16384, 0.4)]);
  assert.deepEqual(relative.baseLengths, [4096]);
  assert.equal(relative.tested, 8192, "0.68 is 0.85 · 0.8, whatever rounding says");
});

test("a length counts only if all shorter ones pass", () => {
  const [absolute, relative] = effectiveLengths([sure(1024, 0.95), sure(2048, 0.7), sure(4096, 0.9)]);
  assert.equal(absolute.tested, 1024);
  assert.equal(relative.tested, 1024);
});

test("where nothing fails the length is open", () => {
  for (const rule of effectiveLengths([sure(1024, 0.95), sure(2048, 0.93)]))
    assert.deepEqual([rule.tested, rule.interpolated, rule.open], [2048, 2048, true]);
});

test("a model that scores nothing keeps nothing", () => {
  for (const rule of effectiveLengths([sure(1024, 0), sure(2048, 0)]))
    assert.deepEqual([rule.tested, rule.open], [undefined, false]);
});

test("few samples shorten the statistical length, many do not", () => {
  const curve = (n: number) => [measured(1024, 0.9, n), measured(2048, 0.86, n), measured(4096, 0.84, n)];
  const [, relative, few] = effectiveLengths(curve(20));
  assert.equal(relative.tested, 4096);
  assert.equal(few.tested, 1024);
  assert.equal(effectiveLengths(curve(2000))[2].tested, 4096);
});

test("the interval of a length has the ends of the scores' intervals, and the lower relative end is the statistical rule", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 0, max: 3 }),
      (successes, first) => {
        const points = successes.map((count, i) => measured(256 * 2 ** (first + i), count / 40, 40));
        const [absolute, relative, statistical] = effectiveLengths(points);
        for (const { interval, interpolated, open } of [absolute, relative]) {
          if (interpolated === undefined) assert.equal(interval?.low, undefined);
          else {
            assert.ok(interval);
            if (interval.low !== undefined) assert.ok(interval.low <= interpolated + 1e-9);
            if (interval.high !== undefined) assert.ok(interval.high >= interpolated - 1e-9);
            if (open) assert.equal(interval.high, undefined);
          }
        }
        assert.equal(relative.interval?.low, statistical.interpolated);
        assert.ok((statistical.tested ?? 0) <= (relative.tested ?? 0));
      },
    ),
  );
});

test("the area is a mean over log2 length: 0.9, 0.7, 0.4 at 1K, 2K, 8K give (0.8 + 2 · 0.55) / 3, to 1e-12", () => {
  close(
    areaScore([
      { length: 1024, score: 0.9 },
      { length: 2048, score: 0.7 },
      { length: 8192, score: 0.4 },
    ]),
    (0.8 + 2 * 0.55) / 3,
    1e-12,
  );
  close(
    areaScore([
      { length: 1000, score: 0.5 },
      { length: 32000, score: 0.5 },
    ]),
    0.5,
    1e-12,
  );
});
