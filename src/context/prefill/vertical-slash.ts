/**
 * vertical-slash (MInference, arXiv 2407.02490), in whole pages. A: softmax of 64 queries of a query head over all keys
 * before them:
 *
 *   v[p] = Σ over keys j of page p, over queries i of A[i][j]          s[o] = Σ over i, j of A[i][j] · max(0, 1 − |i − j − 64 o| / 64)
 *   a block b sees the ⌈vertical / 64⌉ pages with the largest v, those at the ⌈slash / 64⌉ page distances with the largest s, 0, b − 1 and b
 *
 * MInference takes the last 64 queries of the prompt, which are not there yet when its beginning is read: here the 64 before each span
 * of `span` tokens choose for the span.
 */
import { z } from "zod";
import { highest } from "../cache/allocation/highest.ts";
import { techniqueOptions } from "../technique.ts";
import { type AttentionPattern, type BlockPattern, definePrefill } from "./method.ts";
import { denseBelowOption, PAGE } from "./options.ts";

const tokens = z.number().int().min(PAGE);

export const spanOption = tokens.multipleOf(PAGE).default(512);

export const verticalSlash = definePrefill({
  id: "vertical-slash",
  summary: "pages and distances that the tokens just before attend to",
  source: "arXiv 2407.02490",
  options: techniqueOptions("vertical-slash", {
    vertical: tokens.default(1024),
    slash: tokens.default(2048),
    span: spanOption,
    denseBelow: denseBelowOption,
  }),
  needs: ({ span, denseBelow }) => ({ denseBelow, pattern: { span } }),
  pattern(options, attention) {
    const { vertical, slash } = sumsByPage(attention);
    return {
      vertical: Array.from(highest(vertical, Math.ceil(options.vertical / PAGE))),
      slash: Array.from(highest(slash, Math.ceil(options.slash / PAGE))),
    };
  },
  pages: (_, { page, pattern }) => pattern && pagesOf(pattern, page),
});

/** v by page and s by distance in pages, as above. */
export function sumsByPage({ page, vertical, slash }: AttentionPattern): {
  vertical: Float32Array;
  slash: Float32Array;
} {
  const sums = { vertical: new Float32Array(page + 1), slash: new Float32Array(page + 1) };
  vertical.forEach((value, position) => {
    sums.vertical[Math.floor(position / PAGE)] += value;
  });
  slash.forEach((value, distance) => {
    const before = Math.floor(distance / PAGE);
    const behind = (distance % PAGE) / PAGE;
    sums.slash[before] += value * (1 - behind);
    if (before < page) sums.slash[before + 1] += value * behind;
  });
  return sums;
}

/** Pages that block `page` sees by a pattern, ascending. */
export function pagesOf({ vertical, slash }: BlockPattern, page: number): number[] {
  const seen = new Set([0, page - 1, ...vertical, ...slash.map((distance) => page - distance)]);
  return [...seen].filter((n) => n >= 0 && n < page).sort((a, b) => a - b);
}
