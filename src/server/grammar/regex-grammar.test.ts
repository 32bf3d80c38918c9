/** Regular expressions as grammars, against JavaScript's own. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { InputError } from "../../runtime/errors.ts";
import { GrammarRules } from "./grammar-rules.ts";
import { addRegex } from "./regex-grammar.ts";
import { loadProgram } from "./xgrammar.ts";

const { Grammar, Testings } = loadProgram().xgrammar;

async function matcher(pattern: string, isJson: boolean): Promise<(text: string) => Promise<boolean>> {
  const grammar = new GrammarRules();
  const rule = addRegex(grammar, pattern, { isJson });
  const compiled = await Grammar.fromEBNF(grammar.text(isJson ? grammar.rule(`"\\"" ${rule}`) : rule));
  return (text) => Testings.isGrammarAcceptString(compiled, isJson ? JSON.stringify(text) : text);
}

const units = ["a", "b", "é", "è", "🎉", "\n", '"', "\\"];
const atom = fc.constantFrom(
  "a",
  "b",
  "é",
  "è",
  "🎉",
  ".",
  "[ab]",
  "[^a]",
  "\\n",
  "\\\\",
  '"',
  "\\w",
  "[^\\s]",
  "[à-ë]",
);
const patterns = fc.letrec<{ pattern: string; part: string }>((tie) => ({
  pattern: fc.array(tie("part"), { maxLength: 3 }).map((parts) => parts.join("")),
  part: fc.oneof(
    { maxDepth: 3 },
    atom,
    fc.tuple(atom, fc.constantFrom("*", "+", "?", "{2}", "{1,3}", "{2,}", "*?")).map(([one, count]) => one + count),
    fc.tuple(tie("pattern"), tie("pattern")).map(([a, b]) => `(?:${a}|${b})`),
    fc.tuple(tie("pattern"), fc.constantFrom("", "*", "?", "{2}")).map(([a, count]) => `(${a})${count}`),
  ),
})).pattern;

for (const isJson of [false, true])
  test(`${isJson ? "inside JSON" : "plain"}: a text is let through where it matches as a whole, and nowhere else`, async () => {
    const texts = fc.array(fc.string({ unit: fc.constantFrom(...units), maxLength: 6 }), {
      minLength: 10,
      maxLength: 10,
    });
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(patterns, texts, async (pattern, others) => {
        const expected = new RegExp(`^(?:${pattern})$`, "u");
        const matches = await matcher(pattern, isJson).catch((error: Error) => {
          assert.match(error.message, /characters beyond ASCII|a simpler one/);
          refused++;
        });
        for (const text of matches ? ["", ...units, ...others] : [])
          assert.equal(await matches?.(text), expected.test(text), JSON.stringify(text));
      }),
      { numRuns: 100, seed: 6 },
    );
    assert.ok(refused < 40, `${refused} of 100 patterns were refused`);
  });

test("patterns of the field: dates, versions, anchors at both ends of alternatives", async () => {
  const cases: [pattern: string, fitting: string[], other: string[]][] = [
    ["^\\d{4}-\\d{2}-\\d{2}$", ["2024-01-31"], ["2024-1-31", "x2024-01-31"]],
    ["v?(?<major>\\d+)\\.\\d+(-[a-z]+)?", ["1.2", "v10.0-rc"], ["1", "1.2-"]],
    ["^a$|^b+$", ["a", "bbb"], ["ab", ""]],
    ["[\\w.+-]+@[\\w-]+\\.[a-z]{2,}", ["a.b+c@d-e.com"], ["a@b", "@b.com"]],
    ["\\x41\\u{1F389}\\u00e9", ["A🎉é"], ["A"]],
    ["[-a]]", ["-]", "a]"], ["-"]],
  ];
  for (const [pattern, fitting, other] of cases) {
    const matches = await matcher(pattern, false);
    for (const text of fitting) assert.ok(await matches(text), `${pattern} refuses ${text}`);
    for (const text of other) assert.ok(!(await matches(text)), `${pattern} accepts ${text}`);
  }
});

test("what is no regular expression, or goes beyond them, is refused with its place", () => {
  const add = (pattern: string) => () => addRegex(new GrammarRules(), pattern, { isJson: true });
  for (const pattern of [
    "(",
    ")",
    "[a",
    "*",
    "a{3,1}",
    "(?=a)",
    "(?<!a)",
    "\\bx",
    "\\1",
    "\\p{L}",
    "a^",
    "[z-a]",
    "((a{99}){99}){99}",
    "[\\u0400-\\u04ff]",
    "[^é]",
  ])
    assert.throws(add(pattern), InputError, pattern);
  assert.throws(add("(a|b)*a(a|b){12}"), /a simpler one/);
  assert.throws(add("x".repeat(5000)), /at most 1000 characters/);
  assert.throws(add("[^\\s\\S]"), /a text that matches/);
});
