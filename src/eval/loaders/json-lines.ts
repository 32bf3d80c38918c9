/** JSON lines (or one JSON array) of a user, read with the place of every mistake. */
import { readFile } from "node:fs/promises";
import { InputError } from "../../runtime/errors.ts";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** One object of a file. `where` names file and line. */
export class Line {
  readonly where: string;
  readonly fields: Readonly<Record<string, Json>>;

  constructor(where: string, value: Json) {
    if (value === null || typeof value !== "object" || Array.isArray(value)) throw malformed(where, "an object", value);
    this.where = where;
    this.fields = value as Readonly<Record<string, Json>>;
  }

  has(name: string): boolean {
    return this.fields[name] !== undefined && this.fields[name] !== null;
  }

  /** Numbers count as their digits. */
  text(name: string): string {
    const value = this.fields[name];
    if (typeof value === "number") return String(value);
    if (typeof value !== "string") throw this.wrong(name, "a text");
    return value;
  }

  /** One text, or a list of at least one. */
  texts(name: string): string[] {
    const value = this.fields[name];
    if (!Array.isArray(value)) return [this.text(name)];
    if (value.length === 0 || value.some((item) => typeof item !== "string" && typeof item !== "number"))
      throw this.wrong(name, "a list of texts");
    return value.map(String);
  }

  /** A whole number of at least 1. */
  count(name: string): number {
    const value = this.fields[name];
    if (!Number.isInteger(value) || (value as number) < 1) throw this.wrong(name, "a whole number of at least 1");
    return value as number;
  }

  list(name: string): readonly Json[] {
    const value = this.fields[name];
    if (!Array.isArray(value)) throw this.wrong(name, "a list");
    return value;
  }

  /** Objects of a list, each a Line of its own. */
  lines(name: string): Line[] {
    return this.list(name).map((value, i) => new Line(`${this.where} ${name}[${i}]`, value));
  }

  wrong(name: string, expected: string): InputError {
    return malformed(`${this.where}: "${name}"`, expected, this.fields[name]);
  }
}

export async function readLines(path: string): Promise<Line[]> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new InputError(`${path}: expected a readable file, got ${error.code}. Check the path.`);
  });
  const lines = [...(isArray(bytes) ? arrayItems(path, bytes) : linesOf(path, bytes))];
  if (lines.length === 0)
    throw new InputError(`${path}: expected JSON lines, got an empty file. Pass a file with samples.`);
  return lines;
}

function isArray(bytes: Buffer): boolean {
  return /^\uFEFF?\s*\[/.test(bytes.toString("utf8", 0, 64));
}

function arrayItems(path: string, bytes: Buffer): Line[] {
  return (parse(path, bytes.toString("utf8")) as Json[]).map((value, i) => new Line(`${path} item ${i + 1}`, value));
}

/** Cut at line feeds alone: JSON allows U+2028 and U+2029 inside of texts, and line readers do not. */
function* linesOf(path: string, bytes: Buffer): Generator<Line> {
  for (let start = 0, number = 1; start < bytes.length; number++) {
    const found = bytes.indexOf(10, start);
    const end = found === -1 ? bytes.length : found;
    const text = bytes.toString("utf8", start, end);
    const where = `${path} line ${number}`;
    if (text.trim() !== "") yield new Line(where, parse(where, text));
    start = end + 1;
  }
}

function parse(where: string, text: string): Json {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    throw new InputError(
      `${where}: expected JSON, got something else (${(error as Error).message}). Correct or remove it.`,
    );
  }
}

function malformed(where: string, expected: string, got: Json | undefined): InputError {
  const shown = got === undefined ? "nothing" : JSON.stringify(got);
  return new InputError(
    `${where}: expected ${expected}, got ${shown.length > 60 ? `${shown.slice(0, 60)}…` : shown}. Correct or remove it.`,
    { expected, got },
  );
}
