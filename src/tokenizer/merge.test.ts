import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type MergeRules, mergeByHeap, mergeByScan, mergePairs } from "./merge.ts";
import { PairTable } from "./pair-table.ts";

/** Rules over small ids: [left, right, result, priority]. */
function rulesOf(list: readonly (readonly [number, number, number, number])[]): MergeRules {
  const table = new PairTable(list.length);
  for (const [rule, [left, right]] of list.entries()) table.add(left, right, rule);
  return {
    find: (left, right) => table.get(left, right),
    result: Int32Array.from(list, ([, , result]) => result),
    priority: Int32Array.from(list, ([, , , priority]) => priority),
  };
}

const a = 0;
const b = 1;
const aa = 2;
const ab = 3;

function merged(rules: MergeRules, ids: number[]): number[] {
  const row = Int32Array.from(ids);
  return [...row.subarray(0, mergePairs(rules, row, row.length))];
}

test("the lowest priority merges first, wherever it stands", () => {
  const abFirst = rulesOf([
    [a, b, ab, 0],
    [a, a, aa, 1],
  ]);
  const aaFirst = rulesOf([
    [a, b, ab, 1],
    [a, a, aa, 0],
  ]);
  assert.deepEqual(merged(abFirst, [a, a, b]), [a, ab]);
  assert.deepEqual(merged(aaFirst, [a, a, b]), [aa, b]);
});

test("among equal priorities the leftmost pair merges first", () => {
  assert.deepEqual(merged(rulesOf([[a, a, aa, 5]]), [a, a, a]), [aa, a]);
});

test("rows of no and of one id stay as they are", () => {
  assert.deepEqual(merged(rulesOf([[a, a, aa, 0]]), []), []);
  assert.deepEqual(merged(rulesOf([[a, a, aa, 0]]), [a]), [a]);
});

test("the heap gives what scanning gives, for any rules with ties and any row (fast-check)", () => {
  const id = fc.integer({ min: 0, max: 7 });
  const rule = fc.tuple(id, id, id, fc.integer({ min: 0, max: 5 }));
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 30 }), fc.array(id, { maxLength: 80 }), (list, ids) => {
      const rules = rulesOf(list);
      const scanned = Int32Array.from(ids);
      const heaped = Int32Array.from(ids);
      const scannedLength = mergeByScan(rules, scanned, ids.length, new Int32Array(ids.length));
      const heapedLength = mergeByHeap(rules, heaped, ids.length);
      assert.deepEqual(heaped.subarray(0, heapedLength), scanned.subarray(0, scannedLength));
    }),
    { numRuns: 500 },
  );
});
