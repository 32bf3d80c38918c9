import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { countTokens } from "../../../test/support/text-cell.ts";
import { endOf, startOf } from "./truncate.ts";

test("cuts keep at most so many tokens, lose at most one, and never split a character (fast-check)", () => {
  const word = fc.constantFrom("a", "word", "\u{1F600}", "é", ".", "\n");
  fc.assert(
    fc.property(fc.array(word, { maxLength: 40 }), fc.integer({ min: 0, max: 45 }), (parts, tokens) => {
      const text = parts.join(" ");
      const cell = { countTokens };
      const total = countTokens(text);
      for (const kept of [startOf(cell, text, tokens), endOf(cell, text, tokens)]) {
        assert.ok(countTokens(kept) <= tokens && countTokens(kept) >= Math.min(total, tokens - 1));
        assert.doesNotMatch(kept, /[\uD800-\uDFFF]/u);
      }
      assert.ok(text.startsWith(startOf(cell, text, tokens)) && text.endsWith(endOf(cell, text, tokens)));
    }),
    { numRuns: 300, seed: 1 },
  );
});
