import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { InputError } from "../runtime/errors.ts";
import { builtInHaystack, createHaystack, haystackNames, openHaystack } from "./haystack.ts";
import { splitSentences } from "./sentences.ts";

const license = "none";

test("words wrap around at the end, from any offset", () => {
  const { words, wordCount } = createHaystack({ name: "abc", text: " a\n\tb  c ", license });
  assert.equal(wordCount, 3);
  assert.equal(words(2), "a b");
  assert.equal(words(7, 2), "c a b c a b c");
  assert.equal(words(1, 4), "b");
  assert.equal(words(0), "");
});

test("words(a) and words(b, a) together are words(a + b)", () =>
  fc.assert(
    fc.property(fc.array(fc.constantFrom("x", "yy", "z."), { minLength: 1 }), fc.nat(40), fc.nat(40), (list, a, b) => {
      const { words } = createHaystack({ name: "list", text: list.join(" "), license });
      assert.equal([words(a), words(b, a)].filter(Boolean).join(" "), words(a + b));
    }),
    { seed: 1 },
  ));

test("sentences found in windows of 1000 words are those of the whole text", () => {
  const text = Array.from(
    { length: 700 },
    (_, i) => `It was ${i % 7 === 0 ? "Mr. Bell" : `No. ${i}`} again${",".repeat(i % 2)} said they.`,
  );
  const haystack = createHaystack({ name: "long", text: text.join("\n"), license });
  assert.ok(haystack.wordCount > 3000);
  assert.deepEqual(haystack.sentences, splitSentences(text.join(" ")));
});

test("a sentence longer than a window stays whole", () => {
  const long = `Word ${"word ".repeat(2500)}end.`;
  const { sentences } = createHaystack({ name: "long", text: `One. ${long} Two. Three.`, license });
  assert.deepEqual(sentences, ["One.", long, "Two.", "Three."]);
});

test("white space does not change the hash, words do", () => {
  const hash = (text: string) => createHaystack({ name: "x", text, license }).sha256;
  assert.equal(hash("one two"), hash(" one\n\ntwo "));
  assert.notEqual(hash("one two"), hash("one too"));
});

test("the haystacks of the package hold at least 200,000 words whose sentences give back the text, and are read once", () => {
  assert.deepEqual(haystackNames, ["speeches", "moby-dick"]);
  for (const name of haystackNames) {
    const haystack = builtInHaystack(name);
    assert.ok(haystack.wordCount >= 200_000, `${name}: ${haystack.wordCount} words`);
    assert.equal(haystack.sentences.join(" "), haystack.words(haystack.wordCount));
    assert.equal(builtInHaystack(name), haystack);
  }
});

test("a file of the user is a haystack; an unknown name, a missing file and an empty text say what to do", async () => {
  const folder = mkdtempSync(join(tmpdir(), "longspan-haystack-"));
  try {
    const path = join(folder, "own.txt");
    writeFileSync(path, "First line.\nSecond line.\n");
    assert.equal((await openHaystack(path)).words(4), "First line. Second line.");
    await assert.rejects(openHaystack(join(folder, "none.txt")), InputError);
  } finally {
    rmSync(folder, { recursive: true });
  }
  assert.throws(() => builtInHaystack("speech"), /expected speeches or moby-dick, got "speech"/);
  assert.throws(
    () => createHaystack({ name: "empty", text: " \n", license }),
    /haystack "empty": expected text, got none/,
  );
});
