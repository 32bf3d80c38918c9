import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DraftLength } from "./speculation-length.ts";

/** Lengths of `steps` guesses, of which `isRight` says how many tokens were right. */
function lengths(length: DraftLength, steps: number, right: (drafted: number, step: number) => number): number[] {
  return Array.from({ length: steps }, (_, step) => {
    const drafted = length.next();
    if (drafted > 0) length.tell(drafted, right(drafted, step));
    return drafted;
  });
}

test("while all is right the length doubles up to the most; a wrong token makes it one more than were right", () => {
  const length = new DraftLength(15);
  assert.deepEqual(
    lengths(length, 5, (drafted) => drafted),
    [3, 6, 12, 15, 15],
  );
  assert.deepEqual(
    lengths(length, 3, (_, step) => [4, 5, 2][step]),
    [15, 5, 10],
  );
  assert.equal(length.next(), 3);
});

test("where nothing is ever right, guessing costs less than 1.5 % of 1,000 steps, and it is tried again and again", () => {
  const drafted = lengths(new DraftLength(15), 1000, () => 0);
  const cost = drafted.reduce((sum, tokens) => sum + 0.3 * tokens, 0);
  assert.ok(cost < 15, `${cost} steps`);
  for (let at = 0; at + 300 < drafted.length; at += 100)
    assert.ok(drafted.slice(at, at + 300).some((tokens) => tokens > 0));
});

test("after 500 tokens without a right guess, a text that begins to repeat itself is guessed at full length within 300", () => {
  const length = new DraftLength(15);
  lengths(length, 500, () => 0);
  assert.equal(lengths(length, 300, (drafted) => drafted).at(-1), 15);
});

test("the length is from 0 to the most, whatever is right", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 31 }), fc.array(fc.nat(31)), (most, right) => {
      const all = lengths(new DraftLength(most), right.length, (drafted, step) => Math.min(drafted, right[step]));
      assert.ok(all.every((drafted) => drafted >= 0 && drafted <= most));
    }),
    { seed: 1 },
  );
});
