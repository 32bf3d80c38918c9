/**
 * Generated functions that call each other, one a line; what does one of them return? After code_run of InfiniteBench
 * (Zhang et al. 2024, https://github.com/OpenBMB/InfiniteBench, MIT), in TypeScript: f_i(x) = f_j(x) ± c, and the last
 * of a chain is x ± c. All functions belong to chains of the same length, so that nothing but the calls tells them apart.
 */
import { readJson } from "../../data.ts";
import { filled } from "../../fill.ts";
import type { Draft, Random, Task } from "../../types.ts";
import { depthOf } from "./window.ts";

interface ChainWords {
  readonly instruction: string;
  readonly question: string;
  readonly answerPrefix: string;
}

/** Functions that have to be evaluated, in turn. */
const chainLengths = [2, 4, 6];
const mostConstant = 20;
const mostArgument = 100;
const maxTokens = 16;

export const callChain: Task = {
  id: "code_call_chain",
  family: "code",
  version: 1,
  summary: "follow 2, 4 or 6 calls through generated TypeScript functions and give the number they return",
  source: "after InfiniteBench code_run (Zhang et al. 2024), https://github.com/OpenBMB/InfiniteBench",
  license: "own words",
  sweepsDepth: true,
  cell(cell) {
    const words = readJson<{ callChain: ChainWords }>("code.json").callChain;
    return (index) =>
      filled(cell, (units, random) => build(units, random, index, words), { least: Math.max(...chainLengths) })(index);
  },
  score: (output, { references }) => ({ score: Number(firstNumber(output) === references[0]) }),
};

function build(units: number, random: Random, index: number, words: ChainWords): Draft {
  const hops = chainLengths[index % chainLengths.length];
  const depth = depthOf(index);
  const names = random.fork("names").sample(range(10 * units), units);
  const constants = random.fork("constants");
  const argument = random.fork("argument").between(1, mostArgument);

  // Functions 0 to hops − 1 are the chain, each calling the next; the others are chains of their own.
  const lines: string[] = [];
  let value = argument;
  for (let i = 0; i < units; i++) {
    const sign = constants.int(2) === 0 ? "+" : "-";
    const constant = constants.between(1, mostConstant);
    const isLast = i % hops === hops - 1 || i === units - 1;
    const called = isLast ? "x" : `func_${names[i + 1]}(x)`;
    lines.push(`function func_${names[i]}(x: number): number { return ${called} ${sign} ${constant}; }`);
    if (i < hops) value += sign === "+" ? constant : -constant;
  }
  // The function that is asked for stands at its depth, the rest wherever chance puts it.
  const order = random.fork("order").shuffle(range(units).slice(1));
  order.splice(Math.round(depth * (units - 1)), 0, 0);

  const call = `func_${names[0]}(${argument})`;
  let context = words.instruction;
  const starts: number[] = [];
  for (const i of order) {
    starts[i] = context.length;
    context += `${lines[i]}\n`;
  }
  const put = (template: string) => template.replaceAll("{call}", call);
  return {
    parts: { context, question: put(words.question), answerPrefix: put(words.answerPrefix) },
    references: [String(value)],
    maxTokens,
    depth,
    needles: range(hops).map((i) => ({ start: starts[i], end: starts[i] + lines[i].length })),
    facts: { hops },
  };
}

/** Names of functions have numbers too, and are no answer. */
function firstNumber(output: string): string | undefined {
  return output.replace(/func_\d+(\(-?\d*\))?/g, "").match(/-?\d+/)?.[0];
}

function range(length: number): number[] {
  return Array.from({ length }, (_, i) => i);
}
