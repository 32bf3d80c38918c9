/**
 * A JSON object of random UUIDs, and the value of one key to find. The place of that key goes evenly through the object,
 * floor(bin * (pairs - 1) / (bins - 1)); all bins of a repetition ask about the same object, so that it is read once.
 */
import { InputError } from "../../../runtime/errors.ts";
import { costOf, filled } from "../../fill.ts";
import type { Cell, Draft, Random } from "../../types.ts";
import { fillIn } from "../needle/template.ts";

export interface KeyValueTexts {
  /** With {records}; with {key} where the question is known beforehand. */
  readonly context: string;
  /** With {key}. */
  readonly question: string;
  /** Between two records. */
  readonly separator: string;
  readonly maxTokens: number;
}

export interface KeyValueOptions {
  /** Places that are asked for, from the first pair to the last. */
  readonly bins: number;
  /** Fixed number of pairs; without it, as many as fill the length. */
  readonly pairs?: number;
}

type Pair = readonly [key: string, value: string];

/** The cell of a task: sample i asks for bin i % bins of object floor(i / bins). */
export function keyValueCell(
  cell: Cell,
  texts: KeyValueTexts,
  { bins, pairs: fixed }: KeyValueOptions,
): (index: number) => Draft {
  const objectOf = (repetition: number, count: number) => pairsOf(cell.random(`object/${repetition}`), count);
  const placeOf = (bin: number, count: number) => Math.floor((bin * (count - 1)) / (bins - 1));

  // A UUID can have more tokens than another, and the object must have room for each of its questions.
  const longest = filled(
    cell,
    (count, _, repetition) => {
      const pairs = objectOf(repetition, count);
      const questions = Array.from({ length: bins }, (_, bin) => {
        const tokens = cell.countTokens(fillIn(texts.question, { key: pairs[placeOf(bin, count)][0] }));
        return { bin, tokens };
      });
      const { bin } = questions.reduce((most, one) => (one.tokens > most.tokens ? one : most));
      return { ...draftOf(texts, pairs, placeOf(bin, count)), facts: { pairs: count } };
    },
    { least: bins },
  );
  const counts = new Map<number, number>();
  const countOf = (repetition: number) => {
    const count = counts.get(repetition) ?? Number(longest(repetition).facts?.pairs);
    counts.set(repetition, count);
    return count;
  };

  return (index) => {
    const [bin, repetition] = [index % bins, Math.floor(index / bins)];
    const count = fixed ?? countOf(repetition);
    const place = placeOf(bin, count);
    const draft = draftOf(texts, objectOf(repetition, count), place);
    if (fixed !== undefined) expectRoom(cell, draft, fixed);
    return { ...draft, group: `${repetition}`, depth: bin / (bins - 1), facts: { pairs: count, place } };
  };
}

function pairsOf(random: Random, count: number): Pair[] {
  return Array.from({ length: count }, () => [random.uuid(), random.uuid()]);
}

function draftOf(texts: KeyValueTexts, pairs: readonly Pair[], place: number): Draft {
  const records = pairs.map(([key, value]) => `"${key}": "${value}"`);
  const [key, value] = pairs[place];
  const context = fillIn(texts.context, { key, records: `{${records.join(texts.separator)}}` });
  const start = context.indexOf(records[place]);
  return {
    parts: { context, question: fillIn(texts.question, { key }) },
    references: [value],
    maxTokens: texts.maxTokens,
    needles: [{ start, end: start + records[place].length }],
  };
}

function expectRoom(cell: Cell, draft: Draft, pairs: number): void {
  const needed = costOf(cell, draft);
  if (needed <= cell.length) return;
  throw new InputError(
    `${pairs} pairs: expected a length of at least ${needed} tokens, got ${cell.length}. Pass longer --lengths, or take kv_retrieval, which fills any length.`,
    { expected: needed, got: cell.length },
  );
}
