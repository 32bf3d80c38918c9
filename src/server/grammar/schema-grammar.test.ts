/** JSON Schema as grammars, by what XGrammar lets through. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { InputError } from "../../runtime/errors.ts";
import { GrammarRules, literal } from "./grammar-rules.ts";
import { addSchema, spacedJson } from "./schema-grammar.ts";
import { loadProgram } from "./xgrammar.ts";

const { Grammar, Testings } = loadProgram().xgrammar;

async function matcher(schema: unknown, isStrict = true): Promise<(text: string) => Promise<boolean>> {
  const grammar = new GrammarRules();
  const compiled = await Grammar.fromEBNF(grammar.text(addSchema(grammar, schema, { isStrict })));
  return (text) => Testings.isGrammarAcceptString(compiled, text);
}

const person = { v: { type: "integer" }, next: { anyOf: [{ $ref: "#/$defs/n" }, { type: "null" }] } };
const cases: [schema: unknown, fitting: string[], other: string[]][] = [
  [{}, ["1", '{"a": [1, "x", null]}', '""'], ["", "a", '{"a":1}']],
  [{ type: "object" }, ["{}", '{"a": 1}'], ["[]", "1"]],
  [{ type: "array" }, ["[]", '[1, "a"]'], ["{}", "[1,2]"]],
  [{ type: "string" }, ['"é🎉 \\n \\u00e9 \\""', '"/"'], ['"\n"', '"\\ud83d"', '"a', "a", '"\\x"']],
  [{ type: "string", minLength: 2, maxLength: 3 }, ['"ab"', '"a\\n\\u00e9"', '"é🎉"'], ['"a"', '"abcd"']],
  [{ type: "string", minLength: 2 }, ['"ab"', '"abcdefgh"'], ['"a"', '""']],
  [{ type: "string", format: "date" }, ['"2024-01-31"'], ['"2024-02-31"', '"x"', '"2024-1-2"']],
  [{ type: "string", format: "date-time" }, ['"2024-01-31T10:59:00Z"', '"2024-01-31T10:59:00.5+02:00"'], ['"2024"']],
  [{ type: "string", format: "email" }, ['"a.b@cd.co.uk"'], ['"a"', '"a@b"', '"@b.co"']],
  [{ type: "string", format: "uuid" }, ['"0189d8b0-6f9e-7cc2-98c5-0123456789ab"'], ['"0189d8b0"']],
  [{ type: "string", format: "ipv4" }, ['"127.0.0.1"'], ['"256.0.0.1"', '"1.2.3"']],
  [{ type: "string", format: "of our own" }, ['"x"'], ["1"]],
  [
    { type: "string", pattern: '^\\d{3}-[^"x]+$' },
    ['"123-a"', '"123-\\\\é\\n"'],
    ['"12-a"', '"123-x"', '"123-\\""', '"123-"'],
  ],
  [
    { type: "string", pattern: "^(?:north|south)-?(east|west)$" },
    ['"north-east"', '"southwest"'],
    ['"north"', '"east"'],
  ],
  [{ type: "integer" }, ["0", "-5", "123456789012345"], ["01", "1.5", "1e3", "-"]],
  [{ type: "number" }, ["0", "-5.25", "1e9", "1.5E-7"], [".5", "1.", "01", "1e"]],
  [{ type: "integer", minimum: -5, maximum: 120 }, ["-5", "-1", "0", "9", "99", "120"], ["-6", "121", "1000", "-0"]],
  [{ type: "integer", exclusiveMinimum: 0 }, ["1", "10", "999999"], ["0", "-1"]],
  [{ type: "integer", minimum: 95, maximum: 1234 }, ["95", "99", "100", "999", "1000", "1234"], ["94", "1235", "5"]],
  [{ type: "integer", minimum: 0.5, maximum: 3.5 }, ["1", "3"], ["0", "4"]],
  [{ type: "integer", maximum: -10 }, ["-10", "-11", "-999"], ["-9", "0", "10"]],
  [{ type: "number", minimum: 0, maximum: 1 }, ["0", "0.5", "1", "1.0"], ["-0.5", "1.5", "2", "1e5"]],
  [{ type: "number", exclusiveMinimum: 0 }, ["0.5", "1", "17.25"], ["0", "0.0", "-1"]],
  [{ type: "number", minimum: -2, exclusiveMaximum: 1 }, ["-2", "-0.5", "0.99", "0"], ["1", "-2.5", "1.0"]],
  [{ type: ["string", "null"] }, ['"a"', "null"], ["1"]],
  [{ type: ["string", "integer"], minLength: 2, minimum: 5 }, ['"ab"', "6"], ['"a"', "1"]],
  [{ type: "boolean" }, ["true", "false"], ["1", "True"]],
  [{ enum: ["a", 1, null, { b: [1, 2] }] }, ['"a"', "1", "null", '{"b": [1, 2]}'], ['"b"', "2"]],
  [{ type: "string", enum: ["a", 1] }, ['"a"'], ["1"]],
  [{ const: { a: 'x\n"é</\u0001' } }, ['{"a": "x\\n\\"é</\\u0001"}'], ["{}"]],
  [{ anyOf: [{ type: "integer" }, { type: "string" }] }, ["1", '"a"'], ["null"]],
  [{ oneOf: [{ type: "integer" }, { type: "string" }] }, ["1", '"a"'], ["null"]],
  [{ allOf: [{ type: "integer" }, { minimum: 5 }], maximum: 6 }, ["5", "6"], ["4", "7", '"a"']],
  [
    {
      ...{ type: "object", properties: { k: { type: "string" } }, required: ["k"] },
      anyOf: [{ properties: { a: { type: "integer" } }, required: ["a"] }, { properties: { k: { const: "z" } } }],
    },
    ['{"k": "x", "a": 1}', '{"k": "z"}'],
    ['{"k": "x"}', '{"a": 1}'],
  ],
  [
    { $ref: "#/$defs/n", $defs: { n: { type: "object", properties: person, required: ["v", "next"] } } },
    ['{"v": 1, "next": {"v": 2, "next": null}}'],
    ['{"v": 1}', '{"v": 1, "next": {"v": 2}}'],
  ],
  [{ type: "object", properties: { a: { $ref: "#" } } }, ["{}", '{"a": {"a": {}}}'], ['{"a": 1}', '{"b": {}}']],
  [{ type: "object", properties: { 'a"\n': { type: "integer" } }, required: ['a"\n'] }, ['{"a\\"\\n": 1}'], ["{}"]],
  [
    { type: "object", properties: { a: { type: "integer" }, b: { type: "integer" }, c: {} }, required: ["b"] },
    ['{"b": 1}', '{"a": 1, "b": 2}', '{"b": 1, "c": [3]}', '{"a": 1, "b": 1, "c": 1}'],
    ["{}", '{"a": 1}', '{"b": 1, "d": 1}', '{, "b": 1}', '{"b": 1, }'],
  ],
  [{ type: "object", properties: {} }, ["{}"], ['{"a": 1}']],
  [{ type: "object", required: ["z"], properties: { a: {} } }, ['{"z": 1}', '{"a": 1, "z": 2}'], ['{"a": 1}']],
  [
    { type: "object", properties: { a: { const: 1 } }, additionalProperties: { type: "boolean" } },
    ["{}", '{"a": 1}', '{"x": true}', '{"a": 1, "x": true, "y": false}'],
    ['{"x": 1}'],
  ],
  [{ type: "object", additionalProperties: false }, ["{}"], ['{"a": 1}']],
  [
    { type: "array", items: { type: "integer" }, minItems: 1, maxItems: 2 },
    ["[1]", "[1, 2]"],
    ["[]", "[1, 2, 3]", '["a"]'],
  ],
  [{ type: "array", items: { type: "integer" }, minItems: 3 }, ["[1, 2, 3]", "[1, 2, 3, 4]"], ["[1, 2]"]],
  [{ type: "array", maxItems: 0 }, ["[]"], ["[1]"]],
  [
    { type: "array", prefixItems: [{ type: "integer" }, { type: "string" }], items: false, minItems: 1 },
    ["[1]", '[1, "a"]'],
    ["[]", '["a"]', '[1, "a", 2]', "[1, 2]"],
  ],
  [
    { type: "array", prefixItems: [{ type: "integer" }], items: { type: "string" }, minItems: 2, maxItems: 3 },
    ['[1, "a"]', '[1, "a", "b"]'],
    ["[1]", '[1, "a", "b", "c"]', '[1, "a", 1]'],
  ],
];

test(`${cases.length} schemas let their values through, and no others`, async () => {
  for (const [schema, fitting, other] of cases) {
    const matches = await matcher(schema);
    for (const text of fitting) assert.ok(await matches(text), `${JSON.stringify(schema)} refuses ${text}`);
    for (const text of other) assert.ok(!(await matches(text)), `${JSON.stringify(schema)} accepts ${text}`);
  }
});

test("bounds of integers let exactly the integers between them through", async () => {
  const bound = fc.integer({ min: -1200, max: 1200 });
  await fc.assert(
    fc.asyncProperty(bound, fc.nat(1500), bound, async (minimum, width, value) => {
      const maximum = minimum + width;
      const matches = await matcher({ type: "integer", minimum, maximum });
      for (const number of [value, minimum - 1, minimum, maximum, maximum + 1])
        assert.equal(await matches(String(number)), number >= minimum && number <= maximum, `${number}`);
    }),
    { numRuns: 40, seed: 1 },
  );
});

test("enums and their unions let exactly their values through, whatever they have in common", async () => {
  const word = fc.string({ unit: fc.constantFrom("a", "b", "é", "è", "🎉", "🎊"), maxLength: 5 });
  const words = fc.array(word, { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(fc.array(words, { minLength: 1, maxLength: 3 }), fc.array(word), async (enums, others) => {
      const matches = await matcher({ anyOf: enums.map((values) => ({ enum: values })) });
      const all = enums.flat();
      const near = all.flatMap((a) => all.map((b) => a.slice(0, 2) + b.slice(1)));
      for (const text of [...all, ...others, ...near])
        assert.equal(await matches(JSON.stringify(text)), all.includes(text), text);
    }),
    { numRuns: 60, seed: 4 },
  );
});

test("unions of bounds let exactly the integers between them through", async () => {
  const bounds = fc.record({ minimum: fc.integer({ min: -300, max: 300 }), width: fc.nat(400) });
  await fc.assert(
    fc.asyncProperty(fc.array(bounds, { minLength: 2, maxLength: 3 }), async (all) => {
      const anyOf = all.map(({ minimum, width }) => ({ type: "integer", minimum, maximum: minimum + width }));
      const matches = await matcher({ anyOf });
      const isIn = (value: number) => anyOf.some(({ minimum, maximum }) => value >= minimum && value <= maximum);
      for (let value = -350; value < 2500; value += 23)
        assert.equal(await matches(`${value}`), isIn(value), `${value}`);
    }),
    { numRuns: 15, seed: 5 },
  );
});

test("any JSON is a constant of its own, and a value", async () => {
  const any = await matcher({});
  await fc.assert(
    fc.asyncProperty(fc.jsonValue({ maxDepth: 3 }), async (value) => {
      const text = spacedJson(value);
      assert.ok(await (await matcher({ const: value }))(text), text);
      assert.deepEqual(JSON.parse(text), value);
      if (!/\d{16}|e[+-]\d{3}|e-7/.test(text)) assert.ok(await any(text), text);
    }),
    { numRuns: 60, seed: 2 },
  );
});

test("what is wrong or cannot be enforced is said with its place; without `strict` the latter is passed over", async () => {
  const add = (schema: unknown, isStrict = true) => addSchema(new GrammarRules(), schema, { isStrict });
  const wrong: [schema: unknown, message: RegExp][] = [
    [{ type: "foo" }, /#\/type: expected one of object.*"foo"/],
    [{ properties: { a: { type: 3 } } }, /#\/properties\/a\/type/],
    [{ $ref: "#/nope" }, /a \$ref into this schema, got "#\/nope"/],
    [{ $ref: "https://example.org/schema" }, /into this schema/],
    [{ $ref: "#" }, /a reference that leads to a schema/],
    [{ anyOf: [{ $ref: "#" }, { type: "null" }] }, /a reference that leads to a schema/],
    [{ enum: [] }, /at least one value/],
    [{ anyOf: 3 }, /a list, got 3/],
    [false, /a schema that something fits/],
    [{ type: "integer", minimum: 5, maximum: 1 }, /bounds with a number between them/],
    [{ type: "array", minItems: 3, maxItems: 2 }, /at least 3 items, got at most 2/],
    [{ allOf: [{ type: "string" }, { type: "null" }] }, /a type in common/],
  ];
  for (const [schema, message] of wrong) assert.throws(() => add(schema, false), message, JSON.stringify(schema));
  for (const keywords of [
    { multipleOf: 3 },
    { pattern: "(?=x)" },
    { not: {} },
    { uniqueItems: true },
    { maxLength: 9999 },
  ]) {
    const schema = { type: "object", properties: { a: { type: ["string", "integer"], ...keywords } } };
    assert.throws(
      () => add(schema),
      (error) => error instanceof InputError && /#\/properties\/a: .*strict/.test(error.message),
    );
    assert.equal(typeof add(schema, false), "string");
  }
  let deep: unknown = { type: "null" };
  for (let i = 0; i < 5000; i++) deep = { type: "array", items: deep };
  assert.throws(() => add(deep), /at most 100 schemas inside each other/);
});

test("literals hold any text", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "grapheme", minLength: 1 }), async (text) => {
      const compiled = await Grammar.fromEBNF(`root ::= ${literal(text)}`);
      assert.ok(await Testings.isGrammarAcceptString(compiled, text));
      compiled.dispose();
    }),
    { numRuns: 100, seed: 3 },
  );
});
