/** Parsers of option values. Each checks at the door and names what is possible. */
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { type Plan, parsePlan } from "../context/plan.ts";
import { presets } from "../context/presets.ts";
import { InputError } from "../runtime/errors.ts";

/** A parser for a whole number from `minimum` to `maximum`, both included. */
export function wholeNumber(option: string, minimum: number, maximum?: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (Number.isSafeInteger(value) && value >= minimum && value <= (maximum ?? value)) return value;
    const range = maximum === undefined ? `of at least ${minimum}` : `from ${minimum} to ${maximum}`;
    throw new InputError(
      `${option}: expected a whole number ${range}, got "${text}". Write for example ${option} ${Math.max(minimum, 8)}.`,
      { expected: [minimum, maximum], got: text },
    );
  };
}

/** A parser for a decimal number between `minimum` and `maximum`, both included. */
export function decimalNumber(option: string, minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const value = text.trim() === "" ? Number.NaN : Number(text);
    if (value >= minimum && value <= maximum) return value;
    throw new InputError(
      `${option}: expected a number from ${minimum} to ${maximum}, got "${text}". Write for example ${option} ${Math.min(0.7, maximum)}.`,
      { expected: [minimum, maximum], got: text },
    );
  };
}

/** A parser for whole numbers with commas between them, returned in ascending order. */
export function wholeNumbers(option: string, minimum: number): (text: string) => number[] {
  const parse = wholeNumber(option, minimum);
  return (text) =>
    text
      .split(",")
      .map((part) => parse(part.trim()))
      .sort((a, b) => a - b);
}

export function threadCount(text: string): number {
  const threads = wholeNumber("--threads", 1)(text);
  const cores = availableParallelism();
  if (threads <= cores) return threads;
  throw new InputError(
    `--threads: expected at most ${cores} (the cores that this process may use), got ${threads}. Pass --threads ${cores}, or leave it out.`,
    { expected: cores, got: threads },
  );
}

/** A plan, or "auto": chosen when the length of the prompt is known. */
export type PlanOrAuto = Plan | "auto";

export function planOrAutoArgument(text: string): PlanOrAuto {
  return text === "auto" ? text : planArgument(text);
}

/** A plan as the name of a preset, as inline JSON, or as the path of a JSON file. */
export function planArgument(text: string): Plan {
  if (text === "auto")
    throw new InputError(
      '--plan: expected a preset, inline JSON or a JSON file, got "auto": it is chosen by the length of a prompt, which this command does not know beforehand. See what it would be with: longspan plans check auto --model MODEL --tokens N',
      { got: text },
    );
  if (Object.hasOwn(presets, text)) return presets[text].plan;
  const inline = text.trimStart().startsWith("{");
  return parsePlan(parseJson(inline ? "--plan" : text, inline ? text : readText(text, "--plan")));
}

/** Token ids as a JSON file: an array of whole numbers below the vocabulary size. */
export function readTokenIds(path: string, vocabularySize: number): Int32Array {
  const value = parseJson(path, readText(path, "--tokens"));
  if (!Array.isArray(value) || value.length === 0)
    throw new InputError(
      `${path}: expected a JSON array of token ids, got ${Array.isArray(value) ? "an empty one" : `a JSON ${typeof value}`}. \`longspan tokenize MODEL FILE --json\` writes one.`,
    );
  const wrong = value.findIndex((id) => !Number.isInteger(id) || id < 0 || id >= vocabularySize);
  if (wrong !== -1)
    throw new InputError(
      `${path}: element ${wrong}: expected a token id from 0 to ${vocabularySize - 1}, got ${JSON.stringify(value[wrong])}. Make the ids with the same model.`,
      { expected: vocabularySize, got: value[wrong] },
    );
  return Int32Array.from(value);
}

function readText(path: string, option: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    const reason = code === "ENOENT" ? "no such file" : `it cannot be read (${code})`;
    throw new InputError(`${option}: expected a JSON file, got "${path}": ${reason}. Check the path.`, { got: code });
  }
}

function parseJson(where: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new InputError(`${where}: expected JSON, got text that is none: ${(cause as Error).message}. Correct it.`);
  }
}
