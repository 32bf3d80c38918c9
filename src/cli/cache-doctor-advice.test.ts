import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { diagnose, type RenderedPrompt } from "./cache-doctor-advice.ts";

/** Every character is a token, every message begins with "<role>". */
function prompt(...messages: readonly (readonly [role: string, content: string])[]): RenderedPrompt {
  let text = "";
  const spans = messages.map(([role, content]) => {
    text += `<${role}>`;
    const begin = text.length;
    text += content;
    return { role, begin, end: text.length };
  });
  return { tokens: Array.from({ length: text.length }, (_, i) => text.charCodeAt(i)), text, messages: spans };
}

const book = "It was a dark and stormy night; the rain fell in torrents. ".repeat(20);
const rules = "Answer from the text. Be brief and exact. ".repeat(10);

test("shared tokens are counted from the first on, blocks are whole, and 9 tokens of B are always read", () => {
  const cases: [a: string, b: string, shared: number, blocks: number][] = [
    ["x".repeat(200), `${"x".repeat(127)}y`, 127, 1],
    ["x".repeat(200), `${"x".repeat(128)}${"y".repeat(8)}`, 128, 1],
    ["x".repeat(200), `${"x".repeat(128)}${"y".repeat(9)}`, 128, 2],
    ["x".repeat(200), "x".repeat(128), 128, 1],
    ["x".repeat(63), "x".repeat(300), 63, 0],
    ["x", "y", 0, 0],
  ];
  for (const [textA, textB, shared, blocks] of cases) {
    const [a, b] = [textA, textB].map((text) => ({ ...prompt(), text, tokens: Buffer.from(text) }));
    const { sharedTokens, sharedBlocks, reused } = diagnose(a, b);
    assert.deepEqual([sharedTokens, sharedBlocks, reused], [shared, blocks, (64 * blocks) / textB.length]);
  }
});

test("the place is the message, its role and the character in it, with 60 characters on each side", () => {
  const { divergence } = diagnose(
    prompt(["system", rules], ["user", `${book}Who?`]),
    prompt(["system", rules], ["user", `${book}When?`]),
  );
  assert.deepEqual(divergence, {
    message: 1,
    role: "user",
    offset: book.length + 2,
    before: `${book}Wh`.slice(-60),
    afterA: "o?",
    afterB: "en?",
  });
});

test("a difference in what the template writes is in no message; two halves of a character are not parted", () => {
  const roles = diagnose(prompt(["system", "a"], ["user", "b"]), prompt(["system", "a"], ["tool", "b"]));
  assert.deepEqual([roles.divergence?.message, roles.divergence?.offset], [undefined, "<system>a<".length]);
  const { divergence } = diagnose(prompt(["user", "so 😀"]), prompt(["user", "so 😁"]));
  assert.deepEqual([divergence?.offset, divergence?.afterA, divergence?.afterB], [3, "😀", "😁"]);
});

test("what changes with every request and stands before a long text is named, to be moved behind it", () => {
  const kinds: [kind: string, a: string, b: string][] = [
    ["a date or time", "2026-01-31T09:05:12Z", "2026-01-31T09:07:00Z"],
    ["a date or time", "2026-01-31 09:05", "2026-02-01 10:00"],
    ["a date or time", "31 January 2026", "1 February 2026"],
    ["a date or time", "Jan. 3, 2026", "Jan. 4, 2026"],
    ["a date or time", "1/31/2026", "2/1/2026"],
    ["a date or time", "Monday", "Tuesday"],
    ["a UUID", "9b2f7c1e-0f0a-4f5e-9d6c-0a1b2c3d4e5f", "9b2f7c1e-1f0a-4f5e-9d6c-0a1b2c3d4e5f"],
    ["a hexadecimal identifier", "req-00ffa93c7d", "req-00ffa93c7e"],
    ["a number", "request 9", "request 10"],
    ["a number", "1769850312", "1769850399"],
  ];
  for (const [kind, itemA, itemB] of kinds) {
    const [a, b] = [itemA, itemB].map((item) => prompt(["system", `Now: ${item}. Be exact.`], ["user", `${book}Who?`]));
    assert.match(
      diagnose(a, b).advice,
      new RegExp(
        `^The prompts part at ${kind} near the beginning \\(message 0, system\\)\\. Move it behind the long text`,
      ),
    );
    // The same in front of the text in one message.
    const [one, two] = [itemA, itemB].map((item) => prompt(["user", `${item}\n${book}Who?`]));
    assert.match(
      diagnose(one, two).advice,
      new RegExp(`^The prompts part at ${kind} near the beginning \\(message 0, user\\)`),
    );
  }
});

test("a long message that stands in both behind what differs is to be put first, with its index in each", () => {
  const a = prompt(["user", "Who is it?"], ["user", book]);
  const b = prompt(["user", "What for?"], ["user", "Think first."], ["user", book]);
  assert.equal(
    diagnose(a, b).advice,
    "A text of 1,180 characters, message 1 of A and message 2 of B, stands behind what differs. Put it first in both, before message 0, user.",
  );
  const same = diagnose(
    prompt(["system", "Be brief."], ["user", book]),
    prompt(["system", "Be exact."], ["user", book]),
  );
  assert.match(same.advice, /^A text of 1,180 characters, message 1 of both, stands behind what differs\./);
});

test("a long text behind a question in one message is to be put before it; equal numbers are not what changes", () => {
  const ask = (question: string) => prompt(["system", "Be brief."], ["user", `${question}\n\n${book}`]);
  const advice =
    "The same long text goes on behind what differs in message 1, user. Put it first, and what differs behind it.";
  assert.equal(diagnose(ask("Who?"), ask("When?")).advice, advice);
  assert.equal(diagnose(ask("Who?"), ask("When was it? ".repeat(10))).advice, advice);
  const equal = diagnose(
    prompt(["system", "Chapter 3. Go."], ["user", book]),
    prompt(["system", "Chapter 3, go."], ["user", book]),
  );
  assert.match(equal.advice, /^A text of/);
});

test("a last message that differs is fine, also with numbers in it, and so are prompts that go on", () => {
  const fine = /this is as it should be\.$/;
  const ask = (question: string) => prompt(["system", rules], ["user", book], ["user", question]);
  const isFine = (a: RenderedPrompt, b: RenderedPrompt) => assert.match(diagnose(a, b).advice, fine);
  isFine(ask("Who?"), ask("When?"));
  isFine(ask("What is in chapter 3?"), ask("What is in chapter 4?"));
  isFine(ask("Who?"), ask("Who?"));
  isFine(ask("Who?"), ask("Who?".padEnd(300, "?")));
  isFine(ask("Who?".padEnd(300, "?")), ask("Who?"));
  const long = (question: string) => prompt(["system", "Be brief."], ["user", question.repeat(80)]);
  isFine(long("chapter 3 "), long("chapter 4 "));
});

test("short prompts, late differences and early ones without a remedy get a word of their own", () => {
  assert.match(diagnose(prompt(["user", "Who?"]), prompt(["user", "When?"])).advice, /^B is too short to be kept/);
  const late = (end: string) => prompt(["user", book + end], ["user", "Why?"]);
  assert.match(diagnose(late("Who?"), late("When?")).advice, /^Most of B is reused/);
  const other = diagnose(
    prompt(["user", book], ["user", "Why?"]),
    prompt(["user", book.toUpperCase()], ["user", "Why?"]),
  );
  assert.match(other.advice, /^The prompts part early, in message 0, user\. Put what stays the same first/);
});

test("any two prompts: shared is a common beginning and the longest, its blocks fit in it, and before + after is text of each", () => {
  const contents = fc.array(
    fc.tuple(
      fc.constantFrom("system", "user"),
      fc.string({ unit: fc.constantFrom("a", "b", "1", "é", "😀", "\n"), maxLength: 150 }),
    ),
    { maxLength: 4 },
  );
  fc.assert(
    fc.property(contents, contents, contents, (common, restA, restB) => {
      const [a, b] = [restA, restB].map((rest) => prompt(...common, ...rest));
      const { sharedTokens, sharedBlocks, reused, divergence, advice } = diagnose(a, b);
      assert.equal(a.text.slice(0, sharedTokens), b.text.slice(0, sharedTokens));
      const isEnd = sharedTokens === Math.min(a.text.length, b.text.length);
      assert.ok(isEnd || a.text[sharedTokens] !== b.text[sharedTokens]);
      assert.equal(divergence === undefined, isEnd);
      assert.ok(64 * sharedBlocks <= sharedTokens && reused >= 0 && reused < 1 && advice.endsWith("."));
      if (!divergence) return;
      assert.ok(a.text.includes(divergence.before + divergence.afterA));
      assert.ok(b.text.includes(divergence.before + divergence.afterB));
      assert.notEqual(divergence.afterA, divergence.afterB);
    }),
  );
});
