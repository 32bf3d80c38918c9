/** Schemas that must fit at the same time, as one. */
import { InputError } from "../../runtime/errors.ts";

export type Schema = Readonly<Record<string, unknown>>;

/** Keywords that let nothing in or out. */
export const annotations = new Set(
  (
    "title description default examples example format $schema $id $anchor $comment $defs definitions readOnly writeOnly " +
    "deprecated nullable contentMediaType contentEncoding discriminator strict"
  ).split(" "),
);

export function wrong(at: string, expected: string, got: string): InputError {
  return new InputError(`schema: ${at}: expected ${expected}, got ${got}. Correct the schema.`, { expected, got });
}

export function isObject(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function listOf(value: unknown, at: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw wrong(at, "a list", JSON.stringify(value));
}

/** One schema for what must fit all of them. */
export function merged(schemas: readonly unknown[], at: string): Schema {
  const result: Record<string, unknown> = {};
  for (const schema of schemas) {
    if (schema === true) continue;
    if (!isObject(schema)) throw wrong(at, "a schema", JSON.stringify(schema));
    for (const [key, value] of Object.entries(schema)) {
      const before = result[key];
      if (value === undefined) continue;
      if (before === undefined || annotations.has(key)) result[key] = value;
      else if (key === "properties") result[key] = mergedProperties(before as Schema, value as Schema);
      else if (key === "required") result[key] = [...listOf(before, at), ...listOf(value, at)];
      else if (key === "type") result[key] = commonTypes(before, value, at);
      else if (key === "allOf") result[key] = [...listOf(before, at), ...listOf(value, at)];
      else if (JSON.stringify(before) !== JSON.stringify(value))
        throw wrong(at, `${key} once where schemas are combined`, "two that differ");
    }
  }
  return result;
}

function mergedProperties(a: Schema, b: Schema): Schema {
  const both = Object.keys(b).filter((name) => name in a);
  return { ...a, ...b, ...Object.fromEntries(both.map((name) => [name, { allOf: [a[name], b[name]] }])) };
}

function commonTypes(a: unknown, b: unknown, at: string): string[] {
  const second = [b].flat();
  const common = [a].flat().filter((type) => second.includes(type)) as string[];
  if (common.length > 0) return common;
  throw wrong(`${at}/type`, "a type in common", `${JSON.stringify(a)} and ${JSON.stringify(b)}`);
}
