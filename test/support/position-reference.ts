/** Re-indexed positions by their definition: one distance for every pair of tokens, no zones, no pages, f64. */

/** Distance that attention uses for query i and key j, or undefined if j is hidden. From the papers' formulas. */
export type Distance = (i: number, j: number, kvHead: number) => number | undefined;

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

/** Distances where old blocks of 64 are seen if `isSeen` says so for their KV head and the query. */
export function distancesOfBlocks(
  local: number,
  isSeen: (i: number, block: number, kvHead: number) => boolean,
): Distance {
  return (i, j, kvHead) => {
    if (i - j < local) return i - j;
    return isSeen(i, Math.floor(j / 64), kvHead) ? local : undefined;
  };
}

/** The blocks that InfLLM sees, chosen for every 16 tokens as context/position/infllm.ts defines it. */
export function infllmBlocks(
  { q, k }: Heads,
  { heads, kvHeads, headDim: D, base }: HeadShape,
  { local, initial, blocks, representatives }: Record<"local" | "initial" | "blocks" | "representatives", number>,
): (i: number, block: number, kvHead: number) => boolean {
  const choices = new Map<string, number[]>();
  const group = heads / kvHeads;
  const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, c) => sum + x * b[c], 0);
  const keyOf = (j: number, kvHead: number) => [
    ...k.subarray((j * kvHeads + kvHead) * D, (j * kvHeads + kvHead + 1) * D),
  ];
  const speakers = (block: number, kvHead: number) => {
    const keys = Array.from({ length: 64 }, (_, slot) => keyOf(block * 64 + slot, kvHead));
    const units = keys.map((key) => key.map((x) => x / Math.sqrt(dot(key, key))));
    const direction = units.reduce((sum, unit) => sum.map((x, c) => x + unit[c]));
    const order = keys.map((_, slot) => slot).sort((a, b) => dot(units[a], direction) - dot(units[b], direction));
    return order.slice(0, representatives).map((slot) => keys[slot]);
  };
  const choose = (step: number, kvHead: number) => {
    const sum = new Array<number>(D).fill(0);
    for (let i = step - 15; i <= step; i++)
      for (let h = 0; h < group; h++) {
        const row = (i * heads + kvHead * group + h) * D;
        for (let m = 0; m < D / 2; m++) {
          const angle = local * base ** ((-2 * m) / D);
          const [a, b] = [q[row + m], q[row + m + D / 2]];
          sum[m] += a * Math.cos(angle) - b * Math.sin(angle);
          sum[m + D / 2] += a * Math.sin(angle) + b * Math.cos(angle);
        }
      }
    const end = Math.floor((Math.floor(step / 64) * 64 - local) / 64);
    const others = Array.from({ length: Math.max(0, end - initial / 64) }, (_, n) => n + initial / 64);
    const score = others.map((block) => Math.max(...speakers(block, kvHead).map((key) => dot(sum, key))));
    return others.sort((a, b) => score[b - initial / 64] - score[a - initial / 64]).slice(0, blocks);
  };
  return (i, block, kvHead) => {
    const lastPartial = Math.floor(i / 64) - local / 64;
    if (block < initial / 64 || block >= lastPartial) return true;
    const step = i - (i % 16);
    const key = `${step} ${kvHead}`;
    const known = choices.get(key) ?? choose(step, kvHead);
    choices.set(key, known);
    return known.includes(block);
  };
}

export interface HeadShape {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly base: number;
}

export interface Heads {
  readonly q: Float32Array;
  readonly k: Float32Array;
  readonly v: Float32Array;
}

/** Attention of unrotated q [n][heads][D] on k, v [n][kvHeads][D] with RoPE (halves paired) by distance. */
export function attentionByDistance(
  { q, k, v }: Heads,
  { heads, kvHeads, headDim: D, base }: HeadShape,
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
        const by = distance(i, j, kvHead);
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
