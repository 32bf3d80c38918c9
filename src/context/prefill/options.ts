/** Options that several methods have. */
import { z } from "zod";

export const PAGE = 64;

/** First tokens, which everything sees: at least the first page. */
export const sinksOption = z.number().int().min(1).default(PAGE);

/** Blocks before this token see everything. */
export const denseBelowOption = z.number().int().min(0).default(4096);

export const massOption = z.number().gt(0).max(1);

/** Pages of the first `sinks` tokens and of the last `window` before page `page`, ascending. */
export function endsOf(page: number, { sinks, window }: { sinks: number; window: number }): number[] {
  const first = Math.min(page, Math.ceil(sinks / PAGE));
  const last = Math.max(first, page - Math.ceil(window / PAGE));
  return Array.from({ length: page }, (_, n) => n).filter((n) => n < first || n >= last);
}
