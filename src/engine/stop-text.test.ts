import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { untilStop } from "../../test/support/stops.ts";
import { StopText } from "./stop-text.ts";

/** What comes out for text that arrives in pieces, up to the first piece after the stop. */
function emit(stops: string[], pieces: string[]): string {
  const filter = new StopText(stops);
  return pieces.map((piece) => filter.push(piece)).join("") + filter.flush();
}

test("text is held back only while it may begin a stop string", () => {
  const filter = new StopText(["END", "EXIT"]);
  assert.equal(filter.push("one E"), "one ");
  assert.equal(filter.push("N"), "");
  assert.equal(filter.push("E"), "EN"); // the second E may begin one again
  assert.equal(filter.push("X"), "");
  assert.equal(filter.push("IT and more"), "");
  assert.equal(filter.found, true);
  assert.equal(filter.push("later"), "");
  assert.equal(filter.flush(), "");
});

test("of several stop strings the one that is complete first ends the text, the longest of equals, wherever the cuts are", () => {
  for (const pieces of [["xabcde"], ["xab", "cde"], [..."xabcde"]]) {
    assert.equal(emit(["abcde", "cd"], pieces), "xab");
    assert.equal(emit(["d", "bcd", "cd"], pieces), "xa");
  }
});

test("a beginning that repeats inside the stop string is not lost", () => {
  assert.equal(emit(["aab"], ["a", "a", "a", "b", "c"]), "a");
  assert.equal(emit(["aab"], ["a", "a", "a", "c"]), "aaac");
});

test("no stop strings, or empty ones, let all text through at once", () => {
  for (const stops of [[], [""]]) assert.equal(new StopText(stops).push("anything"), "anything");
});

test("text cut anywhere ends before the stop string that is complete first, or is whole: 1,000 random cases", () => {
  const letters = fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1, maxLength: 4 });
  const cases = fc.record({ stops: fc.array(letters, { maxLength: 3 }), pieces: fc.array(letters, { maxLength: 12 }) });
  fc.assert(
    fc.property(cases, ({ stops, pieces }) => {
      assert.equal(emit(stops, pieces), untilStop(pieces.join(""), stops));
    }),
    { numRuns: 1000, seed: 1 },
  );
});

test("text is pending while flush would give it, and no longer once a stop string was found", () => {
  const filter = new StopText(["END"]);
  const states = ["one", " E", "N", "d E", "ND."].map((piece) => [filter.push(piece), filter.isPending]);
  assert.deepEqual(states, [
    ["one", false],
    [" ", true],
    ["", true],
    ["ENd ", true],
    ["", false],
  ]);
});
