import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { random } from "../../test/support/random.ts";
import { parsePlan } from "../context/plan.ts";
import { breakEvenOf, ChunkClock, type ChunkTime, measuredBreakEven } from "./break-even.ts";

interface Speed {
  /** Seconds of a token at position p. */
  full(p: number): number;
  sparse(p: number): number;
}

const denseBelow = 4096;

/** What a reading in chunks of 512 would report; `noise` multiplies the seconds of the n-th. */
function readingOf({ full, sparse }: Speed, tokens: number, noise: (n: number) => number = () => 1): ChunkTime[] {
  return Array.from({ length: Math.ceil(tokens / 512) }, (_, n) => {
    const [begin, end] = [n * 512, Math.min(tokens, (n + 1) * 512)];
    const speed = begin >= denseBelow ? sparse : full;
    return { begin, end, seconds: (end - begin) * speed((begin + end) / 2) * noise(n) };
  });
}

/** By the definition: token by token, from the last length where something is lost. */
function breakEvenByTokens({ full, sparse }: Speed, most: number): number {
  let lost = 0;
  let from = denseBelow;
  for (let p = denseBelow; p < most; p++) {
    lost += sparse(p + 0.5) - full(p + 0.5);
    if (lost > 1e-12) from = p + 2;
  }
  return from;
}

const line = (start: number, slope: number) => (p: number) => start + slope * p;
const microseconds = (least: number, most: number) =>
  fc.double({ min: least, max: most, noNaN: true }).map((value) => value * 1e-6);

test("without noise the break-even is within 2 tokens of the sum token by token", () =>
  fc.assert(
    fc.property(
      ...[microseconds(2000, 9000), microseconds(0.3, 1.2), microseconds(0, 0.2), microseconds(-3000, 3000)],
      (start, slope, sparseSlope, more) => {
        const speed = { full: line(start, slope), sparse: line(Math.max(1e-3, start + more), sparseSlope) };
        const expected = breakEvenByTokens(speed, 70_000);
        const found = breakEvenOf(readingOf(speed, 9000), denseBelow)!;
        assert.ok(Math.abs(found - expected) <= 2, `${found}, expected ${expected}`);
      },
    ),
    { numRuns: 60 },
  ));

/** The largest part of a prompt's time that going by a break-even costs, over the better way of reading it, for prompts up to 20,000 tokens. */
function costOf(breakEven: number, { full, sparse }: Speed): number {
  let [byFull, bySparse, most] = [0, 0, 0];
  for (let p = 0; p < 20_000; p++) {
    byFull += full(p);
    bySparse += (p < denseBelow ? full : sparse)(p);
    most = Math.max(most, (p + 1 < breakEven ? byFull : bySparse) / Math.min(byFull, bySparse) - 1);
  }
  return most;
}

for (const [name, sparse, bound] of [
  ["faster at once", line(7.5e-3, 0.15e-6), 0],
  ["faster from 6,100 tokens on", line(9.3e-3, 0.15e-6), 0.04],
  ["never faster", line(9e-3, 0.6e-6), 0.08],
] as const)
  test(`${name}, 3 % of noise, a tenth of the chunks twice as long: 8 of 10 readings tell, 9 of 10 of these cost at most ${bound * 100} % at any length`, () => {
    const speed = { full: line(7e-3, 0.6e-6), sparse };
    const next = random(7);
    const noise = () => (next() < 0.1 ? 2 : 1) * (1 + 0.06 * (next() - 0.5));
    const readings = Array.from({ length: 200 }, () => breakEvenOf(readingOf(speed, 12_000, noise), denseBelow));
    const known = readings.filter((tokens) => tokens !== undefined);
    assert.ok(known.length >= 160, `${known.length} of 200`);
    const costs = known.map((tokens) => costOf(tokens, speed)).sort((a, b) => a - b);
    const high = costs[Math.floor(0.9 * costs.length)];
    assert.ok(high <= bound, `${high}`);
  });

test("a machine that is busy for half of a part, or alternates, tells nothing", () => {
  const speed = { full: line(7e-3, 0.6e-6), sparse: line(7.5e-3, 0.15e-6) };
  for (const isBusy of [(n: number) => n > 15, (n: number) => n < 5, (n: number) => n % 2 === 0])
    assert.equal(
      breakEvenOf(
        readingOf(speed, 12_000, (n) => (isBusy(n) ? 2 : 1)),
        denseBelow,
      ),
      undefined,
    );
});

test("faster from the first sparse chunk on: denseBelow; a slope that is not smaller: never, unless all that was read was faster", () => {
  const full = line(5e-3, 0.5e-6);
  const of = (sparse: Speed["sparse"]) => breakEvenOf(readingOf({ full, sparse }, 9000), denseBelow);
  assert.equal(of(line(4e-3, 0.1e-6)), denseBelow);
  assert.equal(of(line(6e-3, 0.5e-6)), Number.POSITIVE_INFINITY);
  assert.equal(of(line(6e-3, 0.7e-6)), Number.POSITIVE_INFINITY);
  assert.equal(of(line(3e-3, 0.51e-6)), denseBelow);
  // Faster up to some length: up to all that was read, 9,000 tokens, or not.
  assert.equal(of(line(4.34e-3, 0.6e-6)), denseBelow);
  assert.equal(of(line(4.35e-3, 0.6e-6)), Number.POSITIVE_INFINITY);
});

test("it is unknown with fewer than 4 chunks of either kind, of which the first, short ones, and the last before denseBelow are none", () => {
  const speed = { full: line(7e-3, 0.6e-6), sparse: line(9e-3, 0.1e-6) };
  const chunks = readingOf(speed, 9000);
  assert.equal(breakEvenOf(chunks, 2560), undefined);
  assert.notEqual(breakEvenOf(chunks, 2560 + 64), undefined);
  assert.equal(breakEvenOf(readingOf(speed, 4096 + 3 * 512 + 127), denseBelow), undefined);
  assert.notEqual(breakEvenOf(readingOf(speed, 4096 + 3 * 512 + 128), denseBelow), undefined);
  assert.equal(breakEvenOf(chunks.slice(3), denseBelow), undefined);
  assert.equal(breakEvenOf([], 0), undefined);
});

test("only readings whose chunks are told, and cost what their position says, are measured", () => {
  const chunks = readingOf({ full: line(7e-3, 0.6e-6), sparse: line(9e-3, 0.1e-6) }, 12_000);
  const prefill = { method: "block-sparse" };
  const measured = (plan: object) => measuredBreakEven(parsePlan(plan), chunks);
  assert.equal(measured({ prefill }), breakEvenOf(chunks, denseBelow));
  assert.notEqual(measured({ prefill }), undefined);
  assert.equal(measured({}), undefined);
  assert.equal(measured({ prefill: { ...prefill, select: "fastkv" } }), undefined);
  for (const schedule of ["streaming", "layer-major"])
    assert.equal(measured({ prefill, cache: { score: "key-diff", budget: 512, schedule } }), undefined);
  assert.notEqual(measured({ prefill, cache: { score: "key-diff", budget: 512 } }), undefined);
});

test("a clock gives each chunk the seconds since the one before", () => {
  let now = 1000;
  const clock = new ChunkClock(64, () => now);
  for (const [end, milliseconds] of [
    [576, 250],
    [600, 20],
  ]) {
    now += milliseconds;
    clock.chunk(end);
  }
  assert.deepEqual(clock.chunks, [
    { begin: 64, end: 576, seconds: 0.25 },
    { begin: 576, end: 600, seconds: 0.02 },
  ]);
});
