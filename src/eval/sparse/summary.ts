/** From what a session saw and captured to densities and recalls. */
import type { Plan } from "../../context/plan.ts";
import type { RecalledHead, SeenPages } from "../../engine/types.ts";
import { quantile } from "../statistics/bootstrap.ts";
import type { SparseHead, SparseRecall } from "./types.ts";

/** What a plan that names no share is held to. */
const USUAL_MASS = 0.9;
/** How far below its mass a row may be: masses are estimated, for 64 tokens together. */
const TOLERANCE = 0.05;

/** Pages seen, of those that full attention sees; 1 where nothing was counted, as under full attention itself. */
export function densityOf(pages: readonly SeenPages[]): number {
  const sum = (key: "seen" | "all") => pages.reduce((total, head) => total + head[key], 0);
  return sum("all") > 0 ? sum("seen") / sum("all") : 1;
}

/** Heads of layers that have seen pages: those with a sliding window are not counted. */
export function headsOf(pages: readonly SeenPages[], recalled: readonly RecalledHead[]): SparseHead[] {
  return pages
    .filter(({ all }) => all > 0)
    .map(({ layer, head, ...page }) => {
      const shares = recalled.find((each) => each.layer === layer && each.head === head)?.shares;
      const density = densityOf([{ layer, head, ...page }]);
      return { layer, head, density, ...(shares?.length && { recall: medianOf(shares) }) };
    });
}

export function recallOf(recalled: readonly RecalledHead[], { prefill }: Plan): SparseRecall | undefined {
  const rows = recalled.reduce((sum, { shares }) => sum + shares.length, 0);
  if (rows === 0) return undefined;
  const all = new Float32Array(rows);
  let at = 0;
  for (const { shares } of recalled) {
    all.set(shares, at);
    at += shares.length;
  }
  const mass = typeof prefill.mass === "number" ? prefill.mass : USUAL_MASS;
  const threshold = mass - TOLERANCE;
  const reached = all.reduce((sum, share) => sum + Number(share >= threshold), 0);
  return { rows, median: medianOf(all), threshold, share: reached / rows };
}

function medianOf(shares: Float32Array): number {
  return quantile([...shares.slice().sort()], 0.5);
}
