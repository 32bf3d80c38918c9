/**
 * Fills a prompt to its length: the most units of haystack with which prompt and answer still fit.
 * The official generators stop up to 500 words short; ours end within one unit, and score what was really read.
 */
import { InputError } from "../runtime/errors.ts";
import type { Cell, Draft, Random } from "./types.ts";

/** Builds a sample out of `units` of haystack: words, lines, sentences, pairs. More units, more tokens. */
export type Build = (units: number, random: Random, index: number) => Draft;

export interface FillOptions {
  /** Fewest units that make a sample. */
  readonly least?: number;
  /** Most units there are. */
  readonly most?: number;
}

/** Tokens of prompt and answer. */
export function costOf(cell: Cell, draft: Draft): number {
  return cell.promptTokens(draft.parts) + draft.maxTokens;
}

/** Samples by index, each as full as it can be. The same sample is built again with other units from the same numbers. */
export function filled(
  cell: Cell,
  build: Build,
  { least = 1, most = Number.POSITIVE_INFINITY }: FillOptions = {},
): (index: number) => Draft {
  // From numbers of its own: no sample's search may depend on another sample.
  let guess: number | undefined;
  return (index) => {
    guess ??= estimate(cell, (units) => costOf(cell, build(units, cell.random("probe"), 0)), least, most);
    const make = (units: number) => build(units, cell.random(index), index);
    return make(mostThatFits((units) => costOf(cell, make(units)) <= cell.length, guess, least, most));
  };
}

/** The most units that fit, from a guess on: steps that double until it is bracketed, then halves. */
function mostThatFits(fits: (units: number) => boolean, guess: number, least: number, most: number): number {
  const start = Math.min(Math.max(guess, least), most);
  let low = start;
  let high = start;
  let step = Math.max(1, Math.ceil(start * 0.02));
  if (fits(start)) {
    for (high = Math.min(most + 1, low + step); high <= most && fits(high); high = Math.min(most + 1, low + step)) {
      low = high;
      step *= 2;
    }
  } else {
    for (low = Math.max(least, high - step); low > least && !fits(low); low = Math.max(least, high - step)) {
      high = low;
      step *= 2;
    }
  }
  while (high - low > 1) {
    const middle = low + ((high - low) >> 1);
    if (fits(middle)) low = middle;
    else high = middle;
  }
  return low;
}

/** Units that about fill the length, by the tokens that 50 more of them cost. Refuses a length that the least do not fit. */
function estimate(cell: Cell, cost: (units: number) => number, least: number, most: number): number {
  const base = cost(least);
  if (base > cell.length)
    throw new InputError(
      `length: expected at least ${base} tokens for this task, got ${cell.length}. Pass --lengths ${2 ** Math.ceil(Math.log2(base))} or more.`,
      { expected: base, got: cell.length },
    );
  const probe = Math.min(most, least + 50);
  if (probe === least) return least;
  const perUnit = Math.max(0.1, (cost(probe) - base) / (probe - least));
  return Math.min(most, Math.floor(least + (cell.length - base) / perUnit));
}
