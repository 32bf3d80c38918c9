/** The definition of attention-columns.ts in f64: no tiles, no running maximum. */
import type { AttentionInputs } from "./attention.reference.ts";
import { type AttentionShape, PAGE_SLOTS } from "./attention.ts";
import type { ColumnMode } from "./attention-columns.ts";

/** As AttentionZone, with the queries themselves. */
export interface ZoneReference {
  readonly q: Float32Array;
  readonly nearest: number;
  readonly farthest: number;
  readonly keyEnd: number;
}

/** A page as one of a list: its keys are those from 64·page on, seen in one of the zones. */
export interface EntryReference {
  readonly page: number;
  readonly zone: ZoneReference;
}

/**
 * Σ or maximum over rows of softmax(scale·q·k) over all slots of all entries, [entries][64]; rows are the tokens and the query heads
 * that read `kvHead`. A query at i sees a key at j if nearest ≤ i − j < farthest (0: no limit) and j < keyEnd (0: no limit).
 */
export function attentionColumnsReference(
  { k, keyPositions, positions }: AttentionInputs,
  { numHeads, numKvHeads, headDim: D, scale }: AttentionShape,
  kvHead: number,
  entries: readonly EntryReference[],
  mode: ColumnMode,
): Float64Array {
  const columns = new Float64Array(entries.length * PAGE_SLOTS);
  const group = numHeads / numKvHeads;
  positions.forEach((position, token) => {
    for (let head = kvHead * group; head < (kvHead + 1) * group; head++) {
      const scores = Array.from(columns, (_, i) => {
        const { page, zone } = entries[Math.floor(i / PAGE_SLOTS)];
        const key = page * PAGE_SLOTS + (i % PAGE_SLOTS);
        if (key >= keyPositions.length) return -Infinity;
        const distance = position - keyPositions[key];
        if (distance < zone.nearest || (zone.farthest > 0 && distance >= zone.farthest)) return -Infinity;
        if (zone.keyEnd > 0 && keyPositions[key] >= zone.keyEnd) return -Infinity;
        const [row, other] = [(token * numHeads + head) * D, (key * numKvHeads + kvHead) * D];
        let sum = 0;
        for (let c = 0; c < D; c++) sum += zone.q[row + c] * k[other + c];
        return scale * sum;
      });
      const highest = Math.max(...scores);
      if (highest === -Infinity) continue;
      const weights = scores.map((score) => Math.exp(score - highest));
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      weights.forEach((weight, i) => {
        const share = weight / total;
        columns[i] = mode === "sum" ? columns[i] + share : Math.max(columns[i], share);
      });
    }
  });
  return columns;
}
