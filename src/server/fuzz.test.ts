/** Random bodies, made from what /openapi.json says of them and then spoilt, to every route that takes one. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { OpenApiReader } from "../../test/clients/openapi-reader.ts";
import { ask, tinyServer } from "../../test/clients/tiny-server.ts";
import { temporaryFolder } from "../../test/support/sessions.ts";
import { DiskBlockStore } from "../hub/block-store.ts";
import { openApi } from "./openapi.ts";
import { operations } from "./operations.ts";

const store = new DiskBlockStore(join(temporaryFolder(), "contexts"));
const tiny = await tinyServer({ store, contexts: store });
const { server } = tiny;
after(() => tiny.close());

/** As much of JSON Schema as z.toJSONSchema() writes for our bodies. */
interface Schema {
  readonly type?: string | readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly minItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
}

const plans = [{}, { cache: { format: "f32" } }, { position: { method: "yarn" } }];

/** Fields of which few values are right, whatever their schema. */
const likely: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  model: fc.constant("tiny"),
  role: fc.constantFrom("user", "assistant"),
  long_context: fc.constantFrom(null, ...plans.slice(0, 2)),
  text: fc.string({ maxLength: 20 }),
};

/** Values of a schema, small ones: an answer of thousands of tokens tells no more than one of three. */
function valuesOf(schema: Schema): fc.Arbitrary<unknown> {
  const { type, anyOf, oneOf, properties, required = [], items, minItems = 0, minimum = 0, maximum = 300 } = schema;
  const choices = anyOf ?? oneOf;
  if (choices) return fc.oneof(...choices.map(valuesOf));
  if (Array.isArray(type)) return fc.oneof(...type.map((one: string) => valuesOf({ ...schema, type: one })));
  if ("const" in schema) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  switch (type) {
    case "object":
      return properties
        ? objectsOf(properties, required)
        : fc.dictionary(fc.string({ maxLength: 5 }), fc.jsonValue(), { maxKeys: 3 });
    case "array":
      return fc.array(items ? valuesOf(items) : fc.jsonValue(), { minLength: minItems, maxLength: 3 });
    case "string":
      return fc.oneof(fc.constantFrom("user", "assistant", "tiny", "a b c"), fc.string({ maxLength: 20 }));
    case "integer":
      return fc.integer({ min: Math.max(minimum, -3), max: Math.min(maximum, 300) });
    case "number":
      return fc.double({ min: minimum, max: maximum, noNaN: true });
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    default:
      return fc.jsonValue();
  }
}

/** With a few of the fields that may be left out: of many, some would be wrong every time. */
function objectsOf(properties: Readonly<Record<string, Schema>>, required: readonly string[]): fc.Arbitrary<unknown> {
  const optional = Object.keys(properties).filter((name) => !required.includes(name));
  return fc.subarray(optional, { maxLength: Math.min(3, optional.length) }).chain((some) => {
    const fields = [...required, ...some].map((name) => [name, likely[name] ?? valuesOf(properties[name])]);
    return fc.record(Object.fromEntries(fields));
  });
}

/** The value with something else at one of its places. */
function spoilt(value: unknown): fc.Arbitrary<unknown> {
  const entries = typeof value === "object" && value !== null ? Object.entries(value) : [];
  if (entries.length === 0) return fc.jsonValue();
  return fc.constantFrom(...entries).chain(([key, part]) =>
    fc.oneof(fc.jsonValue(), spoilt(part)).map((other) => {
      if (!Array.isArray(value)) return { ...(value as object), [key]: other };
      return value.map((old, i) => (`${i}` === key ? other : old));
    }),
  );
}

/** What makes an answer long is short, unless it is wrong. */
function shortened(body: unknown, { properties = {} }: Schema): unknown {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return body;
  const short: Record<string, unknown> = { ...body };
  for (const field of ["max_tokens", "max_completion_tokens"]) {
    const value = short[field];
    if (field in properties && (value == null || (typeof value === "number" && value > 2))) short[field] = 2;
  }
  if (typeof short.n === "number") short.n = Math.min(short.n, 2);
  return short;
}

const document = openApi({ version: "0", hasKey: false });
const { components } = document;
const reader = new OpenApiReader(document);
for (const { method, path, body } of operations)
  if (method === "post" && body)
    test(`POST ${path}: any body is answered, or refused with an error object, as the document says; nothing fails, and what it calls wrong is refused`, async () => {
      // Of plans the document says no more than that they are objects.
      const schema = components.schemas[body] as Schema;
      const good = body === "Plan" ? fc.constantFrom(...plans) : valuesOf(schema);
      let answered = 0;
      const bodies = fc.oneof(good, good.chain(spoilt), fc.jsonValue());
      await fc.assert(
        fc.asyncProperty(bodies, async (value) => {
          const sent = shortened(value, schema);
          const answer = await ask(server, `POST ${path}`, sent);
          reader.expectAnswer(`POST ${path}`, answer);
          const text = JSON.stringify(answer.body);
          assert.ok(answer.status < 500, text);
          assert.doesNotMatch(text, /server_error|api_error/);
          const refusal = reader.refusal(`POST ${path}`, JSON.parse(JSON.stringify(sent)));
          if (refusal !== undefined) assert.equal(answer.status, 400, `${refusal} in ${JSON.stringify(sent)}`);
          if (answer.status < 400) answered++;
        }),
        { numRuns: 60, seed: 4 },
      );
      assert.ok(answered >= 6, `only ${answered} of 60 bodies were right`);
    });

test("ids in paths: any text is 404, never a failure", () =>
  fc.assert(
    fc.asyncProperty(fc.string({ minLength: 1 }), fc.constantFrom("pin", "unpin"), async (id, verb) => {
      const { status } = await ask(server, `POST /v1/cache/${encodeURIComponent(id)}/${verb}`);
      assert.equal(status, 404, id);
    }),
    { numRuns: 60, seed: 4 },
  ));
