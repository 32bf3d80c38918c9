/**
 * RULER's variable tracking: VAR A = 12345, VAR B = VAR A, …, scattered over a noise; which variables hold the value?
 * A solved example with names of three letters stands before the question.
 *
 * Source: NVIDIA/RULER, scripts/data/synthetic/variable_tracking.py (facts; arXiv 2404.06654, section 3).
 */
import { filled } from "../../fill.ts";
import { stringMatchAll } from "../../score/string-match.ts";
import type { Cell, Random, Task } from "../../types.ts";
import { ask, budget, interleave, joinPieces, type Passage, type Unbudgeted } from "./passage.ts";
import { type ChainTemplate, describeTask, fillIn, type Profile } from "./profiles.ts";

const HOPS = 4;
const NAME_LETTERS = 5;
const EXAMPLE_NAME_LETTERS = 3;
/** Most tokens of the example, and its fewest lines of noise. */
const EXAMPLE_TOKENS = 500;
const EXAMPLE_LINES = 5;

export function variableTrackingTask(id: string, summary: string, profile: Profile): Task {
  const template = profile.templates.variable_tracking;
  return {
    ...describeTask(id, summary, profile),
    cell(cell) {
      const example = exampleOf(cell, template);
      const build = (units: number, random: Random) =>
        budget(cell, profile, template, variableTracking(template, { units, random, example }));
      return filled(cell, build, { least: HOPS + 1 });
    },
    score: (output, { references }) => ({ score: stringMatchAll(output, references) }),
  };
}

/** A variable that gets a value, and others that get it from the one before. */
export interface Chain {
  readonly names: readonly string[];
  readonly value: number;
}

/** Where a chain's lines stand among lines of noise. */
export interface Layout {
  /** Lines of noise. */
  readonly units: number;
  readonly places: readonly number[];
}

/** Officially numpy draws the values, and Python the rest. */
export type DrawValue = (random: Random) => number;
const anyValue: DrawValue = (random) => random.between(10000, 99998);

export interface ChainSources {
  readonly units: number;
  readonly random: Random;
  /** Of the example; without, there is none. */
  readonly example?: Layout;
  readonly drawValue?: DrawValue;
}

/** One sample. Draws in the official order: chain, its places, the example's new chain. */
export function variableTracking(template: ChainTemplate, sources: ChainSources): Unbudgeted {
  const { units, random, example, drawValue = anyValue } = sources;
  const chain = drawChain(random, NAME_LETTERS, drawValue);
  const layout = drawLayout(random, units);
  const before = example ? solved(template, example, drawChain(random, EXAMPLE_NAME_LETTERS, drawValue)) : "";
  return ask(template, passageOf(template, layout, chain), valuesOf(chain), {
    before,
    references: chain.names,
    facts: { units, hops: HOPS, shots: example ? 1 : 0 },
  });
}

/** The layout of a cell's example: as many lines as 500 tokens hold. Names and value are drawn anew for every sample. */
function exampleOf(cell: Cell, template: ChainTemplate): Layout {
  const draw = (units: number) => {
    const random = cell.random("example");
    return { chain: drawChain(random, EXAMPLE_NAME_LETTERS, anyValue), layout: drawLayout(random, units) };
  };
  const tokens = (units: number) => {
    const { chain, layout } = draw(units);
    return cell.countTokens(solved(template, layout, chain));
  };
  let units = EXAMPLE_LINES;
  while (tokens(units + 1) <= EXAMPLE_TOKENS) units++;
  return draw(units).layout;
}

export function drawChain(random: Random, letters: number, drawValue: DrawValue): Chain {
  // "VAR" would be a name and a keyword; it and doubles are drawn again, which the official generator does not.
  const names = new Set<string>();
  while (names.size < HOPS + 1) {
    const name = drawName(random, letters);
    if (name !== "VAR") names.add(name);
  }
  return { names: [...names], value: drawValue(random) };
}

export function drawLayout(random: Random, units: number): Layout {
  const lines = Array.from({ length: units }, (_, line) => line);
  return { units, places: random.sample(lines, HOPS + 1).sort((a, b) => a - b) };
}

function passageOf(template: ChainTemplate, { units, places }: Layout, { names, value }: Chain): Passage {
  const lines = names.map((name, j) =>
    j === 0 ? fillIn(template.first, { name, value }) : fillIn(template.next, { name, previous: names[j - 1] }),
  );
  const noise = Array.from({ length: units }, () => template.noise);
  return joinPieces(
    interleave(noise, places, lines),
    template.separator,
    places.map((place, j) => place + j),
  );
}

/** A solved example, to its end. */
function solved(template: ChainTemplate, layout: Layout, chain: Chain): string {
  const values = valuesOf(chain);
  const { parts } = ask(template, passageOf(template, layout, chain), values, { references: chain.names });
  const prefix = fillIn(template.exampleAnswerPrefix, values);
  return `${parts.context}${parts.question}${prefix} ${chain.names.join(" ")}${template.exampleEnd}`;
}

function valuesOf({ names, value }: Chain): Record<string, string | number> {
  return { query: value, num_v: names.length };
}

/** As Python's random.choices() draws: one number a letter. */
function drawName(random: Random, letters: number): string {
  let name = "";
  for (let i = 0; i < letters; i++) name += String.fromCharCode(65 + Math.floor(random.next() * 26));
  return name;
}
