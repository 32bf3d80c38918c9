/**
 * Which tokens go on, in whole pages, so that the layers above hold them in pages as any other text: what is chosen is a multiple
 * of 64 tokens, and what goes on in any case behind it begins at a multiple of 64 of the text. So a head's open page holds as many
 * tokens as that of a head that has them all.
 */
import { PAGE_SLOTS } from "../../ops/attention.ts";
import { highest } from "../cache/allocation/highest.ts";
import type { SelectionSteps } from "./method.ts";

/** Tokens [0, head) and [tail, tokens) go on, and `chosen` of those between. All but `tokens` are multiples of 64. */
export interface SelectionLayout {
  readonly tokens: number;
  readonly head: number;
  readonly tail: number;
  readonly chosen: number;
}

/** For a prompt of so many tokens; none if all go on. */
export function selectionLayout(
  tokens: number,
  { keep, last, least }: Pick<SelectionSteps, "keep" | "last" | "least">,
): SelectionLayout | undefined {
  if (tokens < least) return undefined;
  const head = PAGE_SLOTS;
  const tail = Math.max(0, Math.floor((tokens - last) / PAGE_SLOTS) * PAGE_SLOTS);
  const wanted = keep <= 1 ? keep * tokens : keep;
  const chosen = Math.max(0, Math.ceil((wanted - head - (tokens - tail)) / PAGE_SLOTS) * PAGE_SLOTS);
  return head + chosen < tail ? { tokens, head, tail, chosen } : undefined;
}

/** All of so many tokens: of a prompt of which other layers hold a part already, whatever its length. */
export function wholeLayout(tokens: number): SelectionLayout {
  return { tokens, head: 0, tail: 0, chosen: 0 };
}

/** Tokens that go on. */
export function selectedTokens({ tokens, head, tail, chosen }: SelectionLayout): number {
  return head + chosen + tokens - tail;
}

/** Their positions, ascending: of those that are scored the highest, of equal ones the earlier. */
export function selectedPositions(
  { tokens, head, tail, chosen }: SelectionLayout,
  scores: Float32Array,
): Int32Array<ArrayBuffer> {
  const best = highest(scores.subarray(head, tail), chosen);
  const isFirst = (_: unknown, i: number) => i;
  return Int32Array.from([
    ...Array.from({ length: head }, isFirst),
    ...best.map((i) => head + i),
    ...Array.from({ length: tokens - tail }, (_, i) => tail + i),
  ]);
}
