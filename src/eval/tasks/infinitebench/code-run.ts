/**
 * Python functions that call one another in chains of 2 to 10 and add or subtract something: what does one return?
 * The functions stand in layers; each calls a random one of the next layer, and a call of the first layer is asked for.
 */
import { readJson } from "../../data.ts";
import { filled } from "../../fill.ts";
import type { Draft, Random, Score, Span, Task } from "../../types.ts";
import { fillIn } from "../needle/template.ts";

interface PythonFunction {
  readonly index: number;
  /** What it calls; the last of a chain calls nothing. */
  readonly callee?: PythonFunction;
  readonly addend: number;
}

const { source, license, codeRun } = readJson<{
  source: string;
  license: string;
  codeRun: Record<"context" | "question" | "answerPrefix" | "call" | "last", string> & { maxTokens: number };
}>("infinitebench.json");
const chainLengths = [2, 4, 6, 8, 10];

export const ibCodeRun: Task = {
  id: "ib_code_run",
  family: "infinitebench",
  version: 1,
  summary: "the return value of a Python function at the head of 2 to 10 calls",
  source,
  license,
  cell(cell) {
    const build = (count: number, random: Random, index: number): Draft => {
      const layers = layersOf(random, count, chainLengths[index % chainLengths.length]);
      const asked = random.pick(layers[0]);
      const argument = random.between(-10, 10);
      const call = `func_${asked.index}(${argument})`;
      const { code, places } = write(layers.flat());
      const context = fillIn(codeRun.context, { function: `func_${asked.index}`, code });
      const start = context.length - code.length;
      const chain = chainOf(asked);
      return {
        parts: {
          context,
          question: fillIn(codeRun.question, { call }),
          answerPrefix: fillIn(codeRun.answerPrefix, { call }),
        },
        references: [`${chain.reduce((value, { addend }) => value + addend, argument)}`],
        maxTokens: codeRun.maxTokens,
        // After the prefix, completions go on with text of their own, in which the last word is no number any more.
        stop: ["\n"],
        needles: chain.map((one) => {
          const span = places.get(one)!;
          return { start: start + span.start, end: start + span.end };
        }),
        facts: { calls: chain.length },
      };
    };
    return filled(cell, build, { least: Math.max(...chainLengths) });
  },
  score,
};

/** `count` functions with different indices in `depth` layers of nearly equal size. */
function layersOf(random: Random, count: number, depth: number): PythonFunction[][] {
  const indices = random.sample(
    Array.from({ length: 2 * count }, (_, i) => i + 1),
    count,
  );
  const layers: PythonFunction[][] = [];
  let next: PythonFunction[] | undefined;
  for (let layer = depth - 1; layer >= 0; layer--) {
    const [from, to] = [layer, layer + 1].map((edge) => Math.floor((count * edge) / depth));
    const callees = next;
    next = indices
      .slice(from, to)
      .map((index) => ({ index, callee: callees && random.pick(callees), addend: random.between(-12, 17) }));
    layers.unshift(next);
  }
  return layers;
}

/** The code in the order of the indices, and where each function stands in it. */
function write(functions: readonly PythonFunction[]): { code: string; places: Map<PythonFunction, Span> } {
  const places = new Map<PythonFunction, Span>();
  let code = "";
  for (const one of functions.toSorted((a, b) => a.index - b.index)) {
    const { index, callee, addend } = one;
    const term = addend === 0 ? "" : addend < 0 ? ` - ${-addend}` : ` + ${addend}`;
    const text = callee
      ? fillIn(codeRun.call, { index, callee: callee.index, term })
      : fillIn(codeRun.last, { index, term });
    if (code !== "") code += "\n";
    places.set(one, { start: code.length, end: code.length + text.trimEnd().length });
    code += text;
  }
  return { code, places };
}

function chainOf(first: PythonFunction): PythonFunction[] {
  return first.callee === undefined ? [first] : [first, ...chainOf(first.callee)];
}

/** Right if the last word is the number. */
function score(output: string, { references }: Draft): Score {
  const last =
    output
      .replace(/[\n.`'":]/g, " ")
      .trim()
      .split(/\s+/)
      .at(-1) ?? "";
  return { score: /^[+-]?\d+$/.test(last) && Number(last) === Number(references[0]) ? 1 : 0 };
}
