/** One line with digits among lines of noise: a pass key of five, or a number string of ten with repeated digits. */
import { readJson } from "../../data.ts";
import { filled } from "../../fill.ts";
import type { Draft, Random, Score, Task } from "../../types.ts";
import { gridPoint } from "../needle/grid.ts";
import { fillIn } from "../needle/template.ts";

interface Texts {
  readonly context: string;
  readonly needle: string;
  readonly question: string;
  readonly answerPrefix: string;
  readonly maxTokens: number;
}

const { source, license, noise, passkey, numberString } = readJson<{
  source: string;
  license: string;
  noise: string;
  passkey: Texts;
  numberString: Texts;
}>("infinitebench.json");

export const ibPasskey = task("ib_passkey", "a pass key of 5 digits in a line among noise", passkey, passkeyOf);
export const ibNumberString = task(
  "ib_number_string",
  "10 digits, with repetitions, in a line among noise",
  numberString,
  numberStringOf,
);

function task(id: string, summary: string, texts: Texts, keyOf: (random: Random) => string): Task {
  return {
    id,
    family: "infinitebench",
    version: 1,
    summary,
    source,
    license,
    sweepsDepth: true,
    cell(cell) {
      return filled(cell, (lines, random, index) => {
        const { depth } = gridPoint(index);
        const key = keyOf(random);
        const before = Math.round(lines * depth);
        const head = texts.context + noise.repeat(before);
        const needle = fillIn(texts.needle, { key });
        return {
          parts: {
            context: head + needle + noise.repeat(lines - before),
            question: texts.question,
            answerPrefix: texts.answerPrefix,
          },
          references: [key],
          maxTokens: texts.maxTokens,
          depth,
          needles: [{ start: head.length, end: head.length + needle.trimEnd().length }],
        };
      });
    },
    score,
  };
}

/** May begin with 0. */
function passkeyOf(random: Random): string {
  return Array.from({ length: 5 }, () => random.int(10)).join("");
}

/** Five digits, and five times one of those that are there once more beside itself. */
function numberStringOf(random: Random): string {
  const digits = [...passkeyOf(random)];
  while (digits.length < 10) {
    const at = random.int(digits.length);
    digits.splice(at, 0, digits[at]);
  }
  return digits.join("");
}

/** Right if the first run of digits is the key. */
function score(output: string, { references }: Draft): Score {
  return { score: output.match(/\d+/)?.[0] === references[0] ? 1 : 0 };
}
