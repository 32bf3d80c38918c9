import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { attendedPassages } from "./attended-passages.ts";
import type { TracedHead } from "./types.ts";

/** Heads of a sequence of `length` tokens, each from its weight by position. */
function headsOf(length: number, ...weights: ((position: number) => number)[]): TracedHead[] {
  return weights.map((weight, kvHead) => {
    return { layer: 0, kvHead, weights: Float32Array.from({ length }, (_, position) => weight(position)) };
  });
}

const within = (position: number, begin: number, end: number) => position >= begin && position < end;
const even = () => 0.001;
/** By recency: half as much every 40 tokens away from the end, and 20 for the sink. */
const nearby = (position: number) => (position === 0 ? 20 : 2 ** ((position - 1000) / 40));
const text = { begin: 10, end: 960 };

test("one head that retrieves is heard among twenty that do not, which give its place a thousandth of their attention", () => {
  const retrieval = (position: number) => (within(position, 500, 510) ? 0.1 : 0.0001);
  const others = Array.from({ length: 10 }, () => [even, nearby]).flat();
  const [best, ...rest] = attendedPassages(headsOf(1000, retrieval, ...others), text);
  assert.ok(best.begin <= 500 && best.end >= 510 && best.end - best.begin === 64, JSON.stringify(best));
  assert.ok(best.share > 0.5 && rest.every(({ share }) => share < 0.2), JSON.stringify(rest));
});

test("what lies before and after the text counts for nothing, however much it gets", () => {
  const outside = (position: number) => (within(position, 10, 960) ? 0 : 5);
  const inside = (position: number) => (within(position, 700, 705) ? 0.01 : 0);
  const passages = attendedPassages(headsOf(1000, outside, inside), text);
  assert.equal(passages.length, 1);
  assert.ok(passages[0].begin <= 700 && passages[0].end >= 705);
  assert.ok(Math.abs(passages[0].share - 1) < 1e-9);
});

test("a head that looks the more the nearer gives nothing; nor do the first four positions, where the text begins with them", () => {
  assert.deepEqual(attendedPassages(headsOf(1000, nearby), { begin: 0, end: 930 }), []);
});

test("a place that is retrieved right before the text's end is found among heads that look there by recency", () => {
  const retrieval = (position: number) => (within(position, 952, 958) ? 0.3 : 0.0001);
  const [best, ...rest] = attendedPassages(headsOf(1000, retrieval, ...Array.from({ length: 20 }, () => nearby)), text);
  assert.ok(best.begin <= 952 && best.end >= 958 && best.share > 0.8, JSON.stringify([best, rest]));
});

test("a text shorter than a passage is one passage; an empty one, or one that no head sees, has none", () => {
  const uneven = (position: number) => position % 7;
  const [{ peak, ...whole }, ...others] = attendedPassages(headsOf(40, uneven), { begin: 10, end: 30 });
  assert.deepEqual([whole, others], [{ begin: 10, end: 30, share: 1 }, []]);
  assert.ok(peak >= 10 && peak < 30);
  assert.deepEqual(attendedPassages(headsOf(40, even), { begin: 10, end: 10 }), []);
  assert.deepEqual(attendedPassages(headsOf(40, even), { begin: 1, end: 3 }), []);
  assert.deepEqual(
    attendedPassages(
      headsOf(40, () => 0),
      text,
    ),
    [],
  );
  assert.deepEqual(attendedPassages([], text), []);
});

test("passages lie in the text and do not overlap, their shares fall and sum to at most 1, for any weights", () => {
  const weights = fc.array(fc.float({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 400 });
  fc.assert(
    fc.property(
      fc.array(weights, { maxLength: 4 }),
      fc.nat(50),
      fc.nat(300),
      fc.nat(8),
      (lists, begin, size, count) => {
        const end = begin + size;
        const heads = headsOf(end, ...lists.map((list) => (position: number) => list[position % list.length]));
        const passages = attendedPassages(heads, { begin, end, count });
        assert.ok(passages.length <= count);
        passages.forEach((passage, i) => {
          assert.ok(passage.begin >= begin && passage.begin < passage.end && passage.end <= end);
          assert.ok(passage.share > 0 && (i === 0 || passage.share <= passages[i - 1].share));
          for (const other of passages.slice(0, i)) assert.ok(other.end <= passage.begin || other.begin >= passage.end);
        });
        assert.ok(passages.reduce((sum, { share }) => sum + share, 0) < 1 + 1e-9);
      },
    ),
  );
});
