import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DraftLength } from "./speculation-length.ts";

/** Lengths of `steps` guesses, of which `right` says how many tokens were right. */
function lengths(length: DraftLength, steps: number, right: (drafted: number, step: number) => number): number[] {
  return Array.from({ length: steps }, (_, step) => {
    const drafted = length.next();
    if (drafted > 0) length.tell(drafted, right(drafted, step));
    return drafted;
  });
}

test("while all is right the rows double up to the most; after a wrong token they are a block more than were right at most", () => {
  const length = new DraftLength(31);
  assert.deepEqual(
    lengths(length, 5, (drafted) => drafted),
    [3, 7, 15, 31, 31],
  );
  assert.deepEqual(
    lengths(length, 3, (_, step) => [20, 6, 2][step]),
    [31, 23, 7],
  );
  assert.equal(length.next(), 3);
});

test("where nothing is ever right, guessing costs less than 1.5 % of 1,000 steps, and it is tried again and again", () => {
  const drafted = lengths(new DraftLength(31), 1000, () => 0);
  const tries = drafted.filter((tokens) => tokens > 0);
  // Four rows take 2.2 steps.
  assert.ok(tries.every((tokens) => tokens === 3) && 1.2 * tries.length < 15, `${tries}`);
  for (let at = 0; at + 300 < drafted.length; at += 100)
    assert.ok(drafted.slice(at, at + 300).some((tokens) => tokens > 0));
});

test("after 500 tokens without a right guess, a text that begins to repeat itself is guessed at full length within 300", () => {
  const length = new DraftLength(31);
  lengths(length, 500, () => 0);
  assert.equal(lengths(length, 300, (drafted) => drafted).at(-1), 31);
});

test("one wrong guess after many right ones makes no pause", () => {
  const length = new DraftLength(15);
  lengths(length, 10, (drafted) => drafted);
  assert.deepEqual(
    lengths(length, 3, (drafted, step) => (step === 0 ? 0 : drafted)),
    [15, 3, 7],
  );
});

test("the length is from 0 to the most, whatever is right", () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 31 }), fc.array(fc.nat(31)), (most, right) => {
      const all = lengths(new DraftLength(most), right.length, (drafted, step) => Math.min(drafted, right[step]));
      assert.ok(all.every((drafted) => drafted >= 0 && drafted <= most));
    }),
    { seed: 1 },
  );
});
