import assert from "node:assert/strict";
import { after, test } from "node:test";
import fc from "fast-check";
import { loadTiny } from "../../test/support/sessions.ts";
import { renderChat } from "../tokenizer/chat-template.ts";
import { placeOfText } from "./text-place.ts";

const engine = await loadTiny("qwen2-q8_0");
after(() => engine.dispose());
const { tokenizer } = engine;
const words = fc.string({
  unit: fc.constantFrom("the ", "sand ", "é", "λ", "🜁", "\n", " ", "<|im_end|>", "==="),
  maxLength: 30,
});

test("characters of any part of any message are found: tokens in its place spell it, and characters ascend with positions", () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(words, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 }),
      fc.nat(),
      fc.nat(),
      (all, m, p) => {
        const message = m % all.length;
        const part = p % all[message].length;
        const messages = all.map((parts) => parts.join(""));
        const begin = all[message].slice(0, part).join("").length;
        const end = begin + all[message][part].length;
        const ids = renderChat(
          tokenizer,
          messages.map((content) => ({ role: "user", content })),
        );
        const place = placeOfText(tokenizer, ids, { messages, message, begin, end });
        const text = all[message][part];
        const core = messages[message].trim();
        if (text.trim() === "" || core === "") return;
        assert.ok(place, "not found");
        const spelled = tokenizer.decode(ids.subarray(place.begin, place.end), { special: true });
        assert.ok(spelled.includes(text.trim()), JSON.stringify({ spelled, text }));
        let before = place.characterAt(0);
        for (let position = 1; position <= ids.length; position++) {
          const character = place.characterAt(position);
          assert.ok(character >= before && character <= text.length, `${character} after ${before}`);
          before = character;
        }
        assert.equal(place.characterAt(place.begin), place.characterAt(0));
        // Back to the start, after the end.
        assert.ok(place.characterAt(0) <= text.length - text.trimStart().length);
      },
    ),
    { numRuns: 300 },
  );
});

test("of two messages alike the one that is asked for is found", () => {
  const messages = ["the sand", "the sand", "the sand"];
  const ids = renderChat(
    tokenizer,
    messages.map((content) => ({ role: "user", content })),
  );
  const begins = messages.map(
    (_, message) => placeOfText(tokenizer, ids, { messages, message, begin: 0, end: 8 })!.begin,
  );
  assert.ok(begins[0] < begins[1] && begins[1] < begins[2], String(begins));
});

test("a message that the tokens do not spell has no place", () => {
  const ids = tokenizer.encode("another text");
  assert.equal(placeOfText(tokenizer, ids, { messages: ["the sand"], message: 0, begin: 0, end: 8 }), undefined);
});
