/**
 * A list of whole numbers from 0 to 99, and one of its order statistics: largest, second and third largest (of the
 * different numbers), the same from below, median. Lists of any length would begin at 0 and end at 99; so the bound that
 * is asked for is itself drawn, from 79 to 99 or from 0 to 19, and for the median one of the two.
 */
import { readJson } from "../../data.ts";
import { filled } from "../../fill.ts";
import type { Draft, Random, Score, Task } from "../../types.ts";
import { fillIn } from "../needle/template.ts";

interface Kind {
  readonly verb: string;
  readonly asked: string;
  /** How many different numbers come before it, from that end. */
  readonly rank: number;
  readonly from: "top" | "bottom" | "middle";
}

const { source, license, mathFind } = readJson<{
  source: string;
  license: string;
  mathFind: { context: string; question: string; maxTokens: number; kinds: readonly Kind[] };
}>("infinitebench.json");

export const ibMathFind: Task = {
  id: "ib_math_find",
  family: "infinitebench",
  version: 1,
  summary: "largest, smallest, second, third, or median number of a long list",
  source,
  license,
  cell(cell) {
    const build = (count: number, random: Random, index: number): Draft => {
      const kind = mathFind.kinds[index % mathFind.kinds.length];
      const [low, high] = boundsOf(kind, random);
      const numbers = Array.from({ length: count }, () => random.between(low, high));
      return {
        parts: {
          context: fillIn(mathFind.context, { ...kind, list: `[${numbers.join(", ")}]` }),
          question: fillIn(mathFind.question, { ...kind }),
        },
        references: [`${answerOf(kind, numbers)}`],
        maxTokens: mathFind.maxTokens,
        facts: { asked: kind.asked },
      };
    };
    // Fewer numbers could be fewer than three different ones.
    return filled(cell, build, { least: 30 });
  },
  score,
};

function boundsOf({ from }: Kind, random: Random): [number, number] {
  const isTop = from === "middle" ? random.next() < 0.5 : from === "top";
  return isTop ? [0, random.between(79, 99)] : [random.between(0, 19), 99];
}

function answerOf({ from, rank }: Kind, numbers: readonly number[]): number {
  if (from === "middle") {
    const sorted = numbers.toSorted((a, b) => a - b);
    return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
  }
  const different = [...new Set(numbers)].sort((a, b) => a - b);
  return from === "top" ? different[different.length - 1 - rank] : different[rank];
}

/** Right if the first number, with its decimals, is the answer. */
function score(output: string, { references }: Draft): Score {
  const first = output.match(/\d+(?:\.\d+)?/)?.[0];
  return { score: first !== undefined && Number(first) === Number(references[0]) ? 1 : 0 };
}
