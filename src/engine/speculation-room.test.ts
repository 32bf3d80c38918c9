import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { rowsAhead } from "./speculation-room.ts";

const PAGE = 64;

/** Whether after `rows` tokens a page is full, or gone, that would not be after one. */
function losesMore(length: number, rows: number, windows: readonly number[]): boolean {
  for (let position = length; position < length + rows; position++) if (position % PAGE === PAGE - 1) return true;
  return windows.some((window) => {
    // Pages that no later token sees, since they end before the oldest that the next one sees.
    const gone = (tokens: number) => (window > 0 ? Math.max(0, Math.floor((tokens - window) / PAGE)) : 0);
    const firstSeen = (position: number) => Math.floor(Math.max(0, position - window + 1) / PAGE);
    const last = length + rows - 1;
    return gone(last + 1) !== gone(length + 1) || (window > 0 && firstSeen(last) !== firstSeen(length));
  });
}

test("as many rows as fit before a page is sealed or leaves a window, and one in any case", () => {
  fc.assert(
    fc.property(fc.nat(2000), fc.array(fc.constantFrom(0, 1, 32, 64, 100, 512)), (length, windows) => {
      let rows = 1;
      while (!losesMore(length, rows + 1, windows)) rows++;
      const shapes = windows.map((window) => ({ window }));
      assert.equal(rowsAhead(length, shapes), rows);
    }),
    { numRuns: 1000, seed: 1 },
  );
});
