import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Match, SuffixIndex } from "./suffix-index.ts";

/** Every place before the end, from the last: the first with the longest agreement. */
function search(text: readonly number[], shortest: number, longest: number): Match | undefined {
  let best: Match | undefined;
  for (let end = text.length - 1; end > 0; end--) {
    let length = 0;
    while (length < end && length < longest && text[end - 1 - length] === text.at(-1 - length)) length++;
    if (length >= shortest && length > (best?.length ?? 0)) best = { end, length };
  }
  return best;
}

const texts = fc.constantFrom(2, 3, 8, 151_936).chain((vocabulary) =>
  fc.oneof(
    fc.array(fc.nat(vocabulary - 1), { maxLength: 80 }),
    // Parts that come again, with something between.
    fc
      .tuple(fc.array(fc.nat(vocabulary - 1), { minLength: 1, maxLength: 30 }), fc.array(fc.nat(vocabulary - 1)))
      .map(([part, between]) => [...part, ...between, ...part, ...between.slice(3), ...part]),
  ),
);

test("after every token of any text: the latest of the places that agree longest, as a search of all of them finds it", () => {
  let found = 0;
  fc.assert(
    fc.property(texts, fc.integer({ min: 1, max: 4 }), fc.nat(8), (text, shortest, more) => {
      const index = new SuffixIndex(shortest, shortest + more);
      for (let length = 1; length <= text.length; length++) {
        const beginning = text.slice(0, length);
        const expected = search(beginning, shortest, shortest + more);
        if (expected) found++;
        assert.deepEqual(index.find(beginning), expected);
      }
    }),
    { numRuns: 200, seed: 1 },
  );
  assert.ok(found > 1000, `${found} places were found`);
});

test("it is not asked after every token, and the text outgrows its room: the same places", () => {
  const text = Array.from({ length: 5000 }, (_, i) => (i * i) % 1237);
  const index = new SuffixIndex(2, 6);
  for (const length of [1, 1000, 1022, 1023, 1024, 1025, 2048, 2100, 4999, 5000]) {
    const beginning = text.slice(0, length);
    assert.deepEqual(index.find(beginning), search(beginning, 2, 6), `after ${length} tokens`);
  }
});

test("32,768 tokens are linked within 5 ms, and a place is then found within 0.1 ms, whatever repeats itself in them", () => {
  const textOf = (at: (i: number) => number) => Array.from({ length: 32_768 }, (_, i) => at(i));
  const texts = {
    nothing: textOf((i) => Math.imul(i, 2_654_435_761) >>> 14),
    "one token": textOf(() => 7),
    "beginnings of lines": textOf((i) => (i % 12 < 3 ? i % 12 : Math.imul(i, 2_654_435_761) >>> 14)),
  };
  for (const [what, text] of Object.entries(texts)) {
    let [linking, finding] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    // The best of several: the machine does other things as well.
    for (let run = 0; run < 50 && (linking > 5 || finding > 0.1); run++) {
      const index = new SuffixIndex(3, 16);
      const growing = [...text];
      const start = performance.now();
      index.find(growing);
      const linked = performance.now();
      for (let n = 0; n < 24; n++) {
        growing.push(text[n]);
        index.find(growing);
      }
      linking = Math.min(linking, linked - start);
      finding = Math.min(finding, (performance.now() - linked) / 24);
    }
    assert.ok(linking < 5 && finding < 0.1, `${what} repeats itself: ${linking} ms, then ${finding} ms`);
  }
});
