import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parsePlan } from "../plan.ts";
import type { Drafter } from "./method.ts";
import { promptLookup } from "./prompt-lookup.ts";

function drafterWith(options: object = {}): Drafter {
  const { drafter } = promptLookup;
  assert.ok(drafter);
  return drafter(promptLookup.options.parse({ method: "prompt-lookup", ...options }) as never);
}

test("the tokens that followed the latest of the longest agreements are drafted", () => {
  const text = [1, 2, 3, 4, 5, 9, 2, 3, 4, 6, 8, 1, 2, 3, 4];
  // Four tokens agree with the first place, three with the second, which is later.
  assert.deepEqual(drafterWith().draft(text, 4), [5, 9, 2, 3]);
  assert.deepEqual(drafterWith({ longest: 3, shortest: 2 }).draft(text, 4), [6, 8, 1, 2]);
  assert.deepEqual(drafterWith({ longest: 5, shortest: 5 }).draft(text, 4), []);
});

test("a text that repeats itself with any period is drafted as it goes on", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.nat(999), { minLength: 1, maxLength: 30 }),
      fc.integer({ min: 1, max: 31 }),
      (unit, most) => {
        const at = (i: number) => unit[i % unit.length];
        const length = 2 * unit.length + 31;
        const text = Array.from({ length }, (_, i) => at(i));
        const drafted = drafterWith({ longest: 31, draft: 31 }).draft(text, most);
        assert.deepEqual(
          drafted,
          Array.from({ length: most }, (_, i) => at(length + i)),
        );
      },
    ),
    { seed: 1 },
  );
});

test("a plan gets all options, and is refused where the shortest agreement is longer than the longest", () => {
  const { speculate } = parsePlan({ speculate: "prompt-lookup" });
  assert.deepEqual(speculate, { method: "prompt-lookup", longest: 16, shortest: 4, draft: 31 });
  assert.throws(
    () => parsePlan({ speculate: { method: "prompt-lookup", shortest: 20 } }),
    /speculate\.shortest: expected at most "longest", which is 16, got 20/,
  );
  assert.throws(() => parsePlan({ speculate: { method: "prompt-lookup", draft: 32 } }), /speculate\.draft/);
});
