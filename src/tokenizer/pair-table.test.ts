import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { PairTable } from "./pair-table.ts";

test("a pair keeps the first number stored for it, through any growth (fast-check, against a Map)", () => {
  const id = fc.integer({ min: 0, max: 40 });
  fc.assert(
    fc.property(fc.array(fc.tuple(id, id, fc.nat()), { maxLength: 400 }), (entries) => {
      const table = new PairTable(1);
      const expected = new Map<string, number>();
      for (const [left, right, value] of entries) {
        table.add(left, right, value);
        if (!expected.has(`${left},${right}`)) expected.set(`${left},${right}`, value);
      }
      assert.equal(table.size, expected.size);
      for (let left = 0; left <= 40; left++)
        for (let right = 0; right <= 40; right++)
          assert.equal(table.get(left, right), expected.get(`${left},${right}`) ?? -1);
    }),
  );
});
