/** Re-indexed positions by their definition: one distance for every pair of tokens, no zones, no pages, f64. */

/** Distance that attention uses for query i and key j, or undefined if j is hidden. From the papers' formulas. */
export type Distance = (i: number, j: number) => number | undefined;

export const distances = {
  string: (near: number, shift: number): Distance => {
    return (i, j) => (i - j < near ? i - j : i - j - near + shift);
  },
  dca: (chunk: number, size: number): Distance => {
    return (i, j) => {
      const behind = Math.floor(i / size) - Math.floor(j / size);
      if (behind === 0) return i - j;
      return (behind === 1 ? Math.min((i % size) + size, chunk) : chunk) - (j % size);
    };
  },
  selfExtend: (group: number, window: number): Distance => {
    return (i, j) => (i - j < window ? i - j : Math.floor(i / group) - Math.floor(j / group) + window - window / group);
  },
  rerope: (window: number, leak: number): Distance => {
    return (i, j) => (i - j < window ? i - j : window + (i - j - window) * leak);
  },
  sinkWindow: (sinks: number, window: number): Distance => {
    return (i, j) => {
      if (i - j < window) return i - j;
      return j < sinks ? Math.min(i, sinks + window - 1) - j : undefined;
    };
  },
} as const;

export interface Heads {
  readonly q: Float32Array;
  readonly k: Float32Array;
  readonly v: Float32Array;
}

/** Attention of unrotated q [n][heads][D] on k, v [n][kvHeads][D] with RoPE (halves paired) by distance. */
export function attentionByDistance(
  { q, k, v }: Heads,
  { heads, kvHeads, headDim: D, base }: { heads: number; kvHeads: number; headDim: number; base: number },
  distance: Distance,
): Float64Array {
  const n = q.length / heads / D;
  const out = new Float64Array(q.length);
  const turned = new Float64Array(D);
  const angles = new Map<number, [cos: number, sin: number][]>();
  const anglesOf = (by: number) => {
    const known = angles.get(by);
    if (known) return known;
    const all = Array.from({ length: D / 2 }, (_, m): [number, number] => {
      const angle = by * base ** ((-2 * m) / D);
      return [Math.cos(angle), Math.sin(angle)];
    });
    angles.set(by, all);
    return all;
  };
  for (let i = 0; i < n; i++)
    for (let h = 0; h < heads; h++) {
      const row = (i * heads + h) * D;
      const kvHead = Math.floor(h / (heads / kvHeads));
      const scores: [j: number, score: number][] = [];
      for (let j = 0; j <= i; j++) {
        const by = distance(i, j);
        if (by === undefined) continue;
        // R(p)q · R(r)k depends on p − r only: the query is turned by the distance, the key not at all.
        const turn = anglesOf(by);
        for (let m = 0; m < D / 2; m++) {
          const [cos, sin] = turn[m];
          const [a, b] = [q[row + m], q[row + m + D / 2]];
          turned[m] = a * cos - b * sin;
          turned[m + D / 2] = a * sin + b * cos;
        }
        const key = (j * kvHeads + kvHead) * D;
        let sum = 0;
        for (let c = 0; c < D; c++) sum += turned[c] * k[key + c];
        scores.push([j, sum / Math.sqrt(D)]);
      }
      const most = Math.max(...scores.map(([, score]) => score));
      const weights = scores.map(([, score]) => Math.exp(score - most));
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      scores.forEach(([j], s) => {
        const value = (j * kvHeads + kvHead) * D;
        for (let c = 0; c < D; c++) out[row + c] += (weights[s] / total) * v[value + c];
      });
    }
  return out;
}
