/**
 * JSON Schema as a grammar (XGrammar's EBNF): whatever the grammar lets through fits the schema. It is narrower than the schema
 * where that costs nothing: objects have their properties in the schema's order, JSON is written in one line with ", " and ": ".
 */
import { InputError } from "../../runtime/errors.ts";
import { type GrammarRules, literal } from "./grammar-rules.ts";
import { type Bounds, boundedInteger, boundedNumber } from "./number-grammar.ts";
import { addRegex } from "./regex-grammar.ts";
import { annotations, isObject, listOf, merged, type Schema, wrong } from "./schema-merge.ts";
import { stringFormats } from "./string-formats.ts";

const enforced = new Set(
  (
    "type enum const anyOf oneOf allOf $ref properties required additionalProperties items prefixItems minItems maxItems " +
    "minLength maxLength pattern minimum maximum exclusiveMinimum exclusiveMaximum"
  ).split(" "),
);
const types = ["object", "array", "string", "number", "integer", "boolean", "null"];
/** Which type a keyword speaks of, where a schema does not say. */
const typeOfKeyword: Record<string, string> = {
  ...{ properties: "object", required: "object", additionalProperties: "object" },
  ...{ items: "array", prefixItems: "array", minItems: "array", maxItems: "array" },
  ...{ minLength: "string", maxLength: "string", pattern: "string" },
  ...{ minimum: "number", maximum: "number", exclusiveMinimum: "number", exclusiveMaximum: "number" },
};
/** Every length is a state of its own, for which all tokens are tried. */
const MOST_COUNTED = 128;
const MOST_DEPTH = 100;

/**
 * Adds a schema's rules and gives the name of the one that matches its values. A keyword that cannot be enforced is an error if
 * `isStrict`, else it is passed over. Throws InputError.
 */
export function addSchema(
  grammar: GrammarRules,
  schema: unknown,
  { isStrict = false }: { isStrict?: boolean } = {},
): string {
  return new SchemaRules(schema, isStrict, grammar).root;
}

/** JSON as grammars write it. */
export function spacedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spacedJson).join(", ")}]`;
  if (!isObject(value)) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([key, member]) => `${JSON.stringify(key)}: ${spacedJson(member)}`)
    .join(", ")}}`;
}

class SchemaRules {
  readonly root: string;
  private readonly schema: unknown;
  private readonly isStrict: boolean;
  private readonly grammar: GrammarRules;
  /** Rules of what was referred to, by pointer. */
  private readonly references = new Map<string, string>();

  constructor(schema: unknown, isStrict: boolean, grammar: GrammarRules) {
    this.schema = schema;
    this.isStrict = isStrict;
    this.grammar = grammar;
    this.root = this.reference("#", "#", new Set());
  }

  /** `open`: pointers that were followed without a bracket in between; to meet one again means going on for ever. */
  private value(schema: unknown, at: string, open: ReadonlySet<string>): string {
    if (schema === true) return "value";
    if (!isObject(schema)) throw wrong(at, "a schema that something fits", JSON.stringify(schema));
    if (at.split("/").length > MOST_DEPTH) throw wrong(at, `at most ${MOST_DEPTH} schemas inside each other`, "more");
    this.checkKeywords(schema, at);
    const { $ref, allOf, anyOf, oneOf, ...rest } = schema;
    if (typeof $ref === "string") {
      if (!Object.keys(rest).some((key) => enforced.has(key))) return this.reference($ref, at, open);
      return this.value(merged([this.find($ref, at), { ...rest, allOf, anyOf, oneOf }], at), at, open);
    }
    if (allOf !== undefined) return this.value(merged([{ ...rest, anyOf, oneOf }, ...listOf(allOf, at)], at), at, open);
    const [choices, keyword] = anyOf === undefined ? [oneOf, "oneOf"] : [anyOf, "anyOf"];
    if (choices !== undefined) {
      const both = anyOf === undefined ? rest : { ...rest, oneOf };
      const parts = listOf(choices, at).map((choice, i) =>
        this.value(choice === true ? both : merged([both, choice], at), `${at}/${keyword}/${i}`, open),
      );
      return this.either(parts);
    }
    if ("const" in schema || "enum" in schema) {
      const values = "const" in schema ? [schema.const] : listOf(schema.enum, at);
      const wanted = typesOf(schema, at);
      const fitting = values.filter((value) => !wanted || wanted.some((type) => isOfType(value, type)));
      if (fitting.length === 0) throw wrong(at, "at least one value to choose", JSON.stringify(values));
      return this.grammar.oneOf(fitting.map(spacedJson));
    }
    const wanted = typesOf(schema, at) ?? typesHinted(schema);
    return wanted.length === 0 ? "value" : this.either(wanted.map((type) => this.ofType(type, schema, at)));
  }

  private ofType(type: string, schema: Schema, at: string): string {
    switch (type) {
      case "object":
        return this.object(schema, at);
      case "array":
        return this.array(schema, at);
      case "string":
        return this.string(schema, at);
      case "boolean":
        return this.grammar.oneOf(["true", "false"]);
      case "null":
        return this.grammar.oneOf(["null"]);
      default:
        return this.number(type, schema, at);
    }
  }

  private object(schema: Schema, at: string): string {
    const { properties = {}, required = [], additionalProperties } = schema;
    if (!isObject(properties)) throw wrong(`${at}/properties`, "an object", JSON.stringify(properties));
    const names = new Set(listOf(required, `${at}/required`).map(String));
    const isClosed = additionalProperties === false || additionalProperties === undefined;
    const members = Object.entries(properties);
    for (const name of names) if (!(name in properties)) members.push([name, isClosed || additionalProperties]);
    if (members.length === 0 && !("properties" in schema) && additionalProperties === undefined) return "object";
    const more = isClosed ? undefined : this.value(additionalProperties, `${at}/additionalProperties`, new Set());
    // Of what may stand from a property on: `first` if none stands before, else `next`.
    let first = more ? this.rule(`(key ${more} (", " key ${more})*)?`) : '""';
    let next = more ? this.rule(`(", " key ${more})*`) : '""';
    for (const [name, schema] of members.reverse()) {
      const value = this.value(schema, `${at}/properties/${name}`, new Set());
      const member = `${literal(`${JSON.stringify(name)}: `)} ${value} ${next}`;
      const isOptional = !names.has(name);
      first = this.rule(isOptional ? `${member} | ${first}` : member);
      next = this.rule(isOptional ? `", " ${member} | ${next}` : `", " ${member}`);
    }
    return this.rule(`"{" ${first} "}"`);
  }

  private array({ items = true, prefixItems = [], minItems = 0, maxItems }: Schema, at: string): string {
    if (Array.isArray(items)) throw wrong(`${at}/items`, "one schema (prefixItems has several)", "a list");
    const prefix = listOf(prefixItems, at).map((item, i) => this.value(item, `${at}/prefixItems/${i}`, new Set()));
    const least = Number(minItems);
    const isClosed = items === false;
    const most = Math.min(
      Number(maxItems ?? Number.POSITIVE_INFINITY),
      isClosed ? prefix.length : Number.POSITIVE_INFINITY,
    );
    if (least > most) throw wrong(at, `at least ${least} items`, `at most ${most}`);
    const item = most > prefix.length ? this.value(items, `${at}/items`, new Set()) : "";
    const begins = prefix.slice(0, most);
    const repeats = (separated: string, from: number) =>
      `(${separated}){${Math.max(0, least - from)},${most === Number.POSITIVE_INFINITY ? "" : most - from}}`;
    // From the back: what may stand from the i-th item on.
    let rest = most > begins.length ? repeats(`", " ${item}`, begins.length) : '""';
    if (begins.length === 0) {
      if (most === 0) return this.rule('"[" "]"');
      const some = `${item} ${repeats(`", " ${item}`, 1)}`;
      return this.rule(least === 0 ? `"[" (${some})? "]"` : `"[" ${some} "]"`);
    }
    for (let i = begins.length - 1; i >= 0; i--) {
      const one = `${i === 0 ? "" : '", " '}${begins[i]} ${rest}`;
      rest = i >= least ? `(${one})?` : `${one}`;
    }
    return this.rule(`"[" ${rest} "]"`);
  }

  private string({ minLength = 0, maxLength, format, pattern }: Schema, at: string): string {
    const least = Number(minLength);
    const most = maxLength === undefined ? undefined : Number(maxLength);
    if (typeof pattern === "string") {
      if (least > 0 || most !== undefined) this.pass(at, "minLength or maxLength beside pattern");
      const rule = this.matching(pattern, at);
      if (rule) return rule;
    }
    const known = stringFormats[String(format)];
    if (known && least === 0 && most === undefined) return this.rule(`"\\"" ${known} "\\""`);
    if (most !== undefined && least > most) throw wrong(at, `at least ${least} characters`, `at most ${most}`);
    if (least > MOST_COUNTED) this.pass(at, `minLength above ${MOST_COUNTED}`);
    if (most !== undefined && most > MOST_COUNTED) this.pass(at, `maxLength above ${MOST_COUNTED}`);
    const from = Math.min(least, MOST_COUNTED);
    if (most !== undefined && most <= MOST_COUNTED) return this.rule(`"\\"" character{${from},${most}} "\\""`);
    return from === 0 ? "string" : this.rule(`"\\"" character{${from},${from}} characters`);
  }

  /** None for a pattern that is passed over. */
  private matching(pattern: string, at: string): string | undefined {
    try {
      return this.rule(`"\\"" ${addRegex(this.grammar, pattern, { isJson: true })}`);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      this.pass(at, error.message);
    }
  }

  private number(type: string, schema: Schema, at: string): string {
    const names = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"];
    const bounds: Bounds = Object.fromEntries(
      names.filter((name) => typeof schema[name] === "number").map((name) => [name, schema[name]]),
    );
    if (Object.keys(bounds).length === 0) return type;
    if (type === "number" && !Object.values(bounds).every(Number.isInteger)) {
      this.pass(at, "a bound that is not whole");
      return type;
    }
    const add = (body: string) => this.rule(body);
    const rule = type === "integer" ? boundedInteger(bounds, add) : boundedNumber(bounds, add);
    if (rule === undefined) throw wrong(at, "bounds with a number between them", spacedJson(bounds));
    return rule;
  }

  private rule(body: Parameters<GrammarRules["rule"]>[0]): string {
    return this.grammar.rule(body);
  }

  /** One of some rules. */
  private either(rules: readonly string[]): string {
    const different = [...new Set(rules)];
    return different.length === 1 ? different[0] : this.rule(different.join(" | "));
  }

  private reference(pointer: string, at: string, open: ReadonlySet<string>): string {
    if (open.has(pointer)) throw wrong(at, "a reference that leads to a schema", `${pointer} again`);
    const known = this.references.get(pointer);
    if (known) return known;
    return this.rule((name) => {
      this.references.set(pointer, name);
      return this.value(this.find(pointer, at), pointer, new Set([...open, pointer]));
    });
  }

  private find(pointer: string, at: string): unknown {
    const steps = pointer.replace(/^#\/?/, "").split("/").filter(Boolean);
    let found = this.schema;
    for (const step of steps) {
      const key = decodeURIComponent(step.replace(/%(?![0-9a-fA-F]{2})/g, "%25"))
        .replaceAll("~1", "/")
        .replaceAll("~0", "~");
      found = typeof found === "object" && found !== null ? (found as Schema)[key] : undefined;
    }
    if (!pointer.startsWith("#") || found === undefined)
      throw wrong(at, "a $ref into this schema", JSON.stringify(pointer));
    return found;
  }

  private checkKeywords(schema: Schema, at: string): void {
    for (const [key, value] of Object.entries(schema))
      if (value !== undefined && !enforced.has(key) && !annotations.has(key)) this.pass(at, JSON.stringify(key));
  }

  private pass(at: string, what: string): void {
    if (this.isStrict) throw wrong(at, "keywords that can be enforced, or no `strict`", what);
  }
}

function typesOf({ type }: Schema, at: string): string[] | undefined {
  if (type === undefined) return undefined;
  const list = Array.isArray(type) ? type : [type];
  const unknown = list.find((name) => !types.includes(name));
  if (unknown !== undefined || list.length === 0)
    throw wrong(`${at}/type`, `one of ${types.join(", ")}`, JSON.stringify(unknown ?? list));
  return list;
}

function typesHinted(schema: Schema): string[] {
  const hinted = Object.keys(schema).flatMap((key) => (key in typeOfKeyword ? [typeOfKeyword[key]] : []));
  return [...new Set(hinted)];
}

function isOfType(value: unknown, type: string): boolean {
  if (type === "integer") return Number.isInteger(value);
  if (type === "array") return Array.isArray(value);
  if (type === "null") return value === null;
  return type === "object" ? isObject(value) : typeof value === type;
}
