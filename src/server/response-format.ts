/** What a whole answer must be: OpenAI's `response_format`, vLLM's `structured_outputs` and `guided_*`, as one grammar. */
import { z } from "zod";
import { InputError } from "../runtime/errors.ts";
import { RequestError } from "./errors.ts";
import type { GrammarRules } from "./grammar/grammar-rules.ts";
import { addRegex } from "./grammar/regex-grammar.ts";
import { addSchema } from "./grammar/schema-grammar.ts";

const schema = z.union([z.record(z.string(), z.unknown()), z.boolean()]);
const schemaOrText = z.union([schema, z.string()]);
const choices = z.array(z.string().min(1)).min(1);

export const formatFields = {
  response_format: z
    .discriminatedUnion("type", [
      z.looseObject({ type: z.literal("text") }),
      z.looseObject({ type: z.literal("json_object"), schema: schema.nullish() }),
      z.looseObject({
        type: z.literal("json_schema"),
        json_schema: z.looseObject({ schema, strict: z.boolean().nullish() }),
      }),
    ])
    .nullish(),
  structured_outputs: z
    .strictObject({
      json: schemaOrText.nullish(),
      json_object: z.boolean().nullish(),
      regex: z.string().nullish(),
      choice: choices.nullish(),
    })
    .nullish(),
  guided_json: schemaOrText.nullish(),
  guided_regex: z.string().nullish(),
  guided_choice: choices.nullish(),
};

export type FormatRequest = z.infer<z.ZodObject<typeof formatFields>>;

export interface AskedFormat {
  /** The field that asks for it. */
  readonly param: string;
  /** Adds its rules to a grammar and gives the name of the one for whole answers. Throws InputError where it is wrong. */
  addTo(grammar: GrammarRules): string;
}

/** None if the answer may be any text. Throws RequestError where two formats are asked for, or a schema is wrong. */
export function formatOf(request: FormatRequest): AskedFormat | undefined {
  const asked = [...ofResponseFormat(request), ...ofStructuredOutputs(request), ...ofGuided(request)];
  if (asked.length <= 1) return asked[0];
  const [{ param: first }, { param }] = asked;
  throw new RequestError(400, `${param}: expected one format of the answer, got ${first} as well. Leave one out.`, {
    param,
  });
}

/** Does what throws InputErrors; they become RequestErrors that name `param`. */
export function named<T>(param: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new RequestError(400, `${param}: ${error.message}`, { param });
  }
}

function ofResponseFormat({ response_format: asked }: FormatRequest): AskedFormat[] {
  switch (asked?.type) {
    case "json_object":
      return [json(asked.schema ?? { type: "object" }, "response_format")];
    case "json_schema":
      return [json(asked.json_schema.schema, "response_format", asked.json_schema.strict === true)];
    default:
      return [];
  }
}

function ofStructuredOutputs({ structured_outputs: asked }: FormatRequest): AskedFormat[] {
  if (!asked) return [];
  const { json, json_object: isObject, regex, choice } = asked;
  const schema = json ?? (isObject ? { type: "object" } : null);
  return ofGuided({ guided_json: schema, guided_regex: regex, guided_choice: choice }, "structured_outputs.");
}

function ofGuided(request: FormatRequest, prefix = "guided_"): AskedFormat[] {
  const { guided_json: schema, guided_regex: pattern, guided_choice: texts } = request;
  const param = (name: string) => prefix + name;
  const asked: AskedFormat[] = [];
  if (schema != null) asked.push(json(parsed(schema, param("json")), param("json")));
  if (pattern != null)
    asked.push({ param: param("regex"), addTo: (grammar) => addRegex(grammar, pattern, { isJson: false }) });
  if (texts != null) asked.push({ param: param("choice"), addTo: (grammar) => grammar.oneOf(texts) });
  return asked;
}

function json(schema: unknown, param: string, isStrict = false): AskedFormat {
  return { param, addTo: (grammar) => addSchema(grammar, schema, { isStrict }) };
}

function parsed(schema: unknown, param: string): unknown {
  if (typeof schema !== "string") return schema;
  try {
    return JSON.parse(schema);
  } catch {
    throw new RequestError(400, `${param}: expected a JSON schema, got text that is not JSON. Correct it.`, { param });
  }
}
