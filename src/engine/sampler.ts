/**
 * From logits to a token. Bias, penalties and the mask of a constraint change the logits first. Greedy at temperature 0; otherwise
 * top-k, then min-p, then top-p on the softmax, then one draw. The same seed, options and logits give the same tokens.
 *
 *   logit[t] += bias[t] − frequencyPenalty · n[t] − presencePenalty · (n[t] > 0)     n[t]: times that t was sampled before
 */
import { InputError } from "../runtime/errors.ts";

export interface SamplingOptions {
  temperature?: number;
  topK?: number;
  topP?: number;
  minP?: number;
  seed?: number;
  frequencyPenalty?: number;
  presencePenalty?: number;
  /** By token id. */
  logitBias?: Readonly<Record<number, number>>;
}

/** Samples a token and counts it. `mask` has a bit for each token that may come: id & 31 of word id >> 5. Leaves the logits as they are. */
export type Sampler = (logits: Float32Array, mask?: Uint32Array) => number;

export function createSampler(options: SamplingOptions = {}): Sampler {
  const { frequencyPenalty = 0, presencePenalty = 0, logitBias = {} } = options;
  expectRange("frequencyPenalty", frequencyPenalty, -100, 100);
  expectRange("presencePenalty", presencePenalty, -100, 100);
  const choose = createChoice(options);
  const bias = Object.entries(logitBias).map(([id, value]) => [Number(id), value] as const);
  const isPenalised = frequencyPenalty !== 0 || presencePenalty !== 0;
  const counts = new Map<number, number>();
  return (logits, mask) => {
    if (!isPenalised && bias.length === 0 && !mask) return choose(logits);
    const changed = logits.slice();
    for (const [id, value] of bias) if (id < changed.length) changed[id] += value;
    for (const [id, count] of counts) changed[id] -= frequencyPenalty * count + presencePenalty;
    if (mask)
      for (let id = 0; id < changed.length; id++) if (!isAllowed(mask, id)) changed[id] = Number.NEGATIVE_INFINITY;
    const chosen = choose(changed);
    if (isPenalised) counts.set(chosen, (counts.get(chosen) ?? 0) + 1);
    return chosen;
  };
}

function isAllowed(mask: Uint32Array, id: number): boolean {
  return ((mask[id >> 5] >>> (id & 31)) & 1) === 1;
}

function createChoice(options: SamplingOptions): (logits: Float32Array) => number {
  const { temperature = 0, topK = 0, topP = 1, minP = 0, seed = 0 } = options;
  expectRange("temperature", temperature, 0, 100);
  expectRange("topK", topK, 0, Number.MAX_SAFE_INTEGER);
  expectRange("topP", topP, 0, 1);
  expectRange("minP", minP, 0, 1);
  if (temperature === 0) return argmax;
  const random = mulberry32(seed);
  return (logits) => {
    const probabilities = softmax(logits, temperature);
    const kept = candidates(probabilities, { topK, topP, minP });
    return draw(probabilities, kept, random());
  };
}

export function argmax(logits: Float32Array): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i] > logits[best]) best = i;
  return best;
}

function softmax(logits: Float32Array, temperature: number): Float64Array {
  const best = logits[argmax(logits)];
  const weights = new Float64Array(logits.length);
  let total = 0;
  for (let id = 0; id < logits.length; id++) total += weights[id] = Math.exp((logits[id] - best) / temperature);
  for (let id = 0; id < logits.length; id++) weights[id] /= total;
  return weights;
}

/** Ids that may be drawn, in falling probability; undefined if no option excludes any (then nothing needs sorting). */
function candidates(probabilities: Float64Array, options: Required<Pick<SamplingOptions, "topK" | "topP" | "minP">>) {
  const { topK, topP, minP } = options;
  if (topK === 0 && topP === 1 && minP === 0) return undefined;
  const least = minP * probabilities.reduce((a, b) => Math.max(a, b), 0);
  // Tokens below (1 − topP) / vocabulary together hold less than 1 − topP: the nucleus is full before them, so they are not sorted.
  const floor = topK === 0 ? Math.max(least, (1 - topP) / probabilities.length) : least;
  const ids: number[] = [];
  let total = 0;
  for (let id = 0; id < probabilities.length; id++) {
    if (probabilities[id] >= least) total += probabilities[id];
    if (probabilities[id] >= floor) ids.push(id);
  }
  ids.sort((a, b) => probabilities[b] - probabilities[a] || a - b);
  if (topK === 0) return nucleus(probabilities, ids, topP * total);
  const top = ids.slice(0, topK);
  return nucleus(probabilities, top, topP * top.reduce((sum, id) => sum + probabilities[id], 0));
}

/** The shortest beginning of `ids` that holds `mass`. */
function nucleus(probabilities: Float64Array, ids: number[], mass: number): number[] {
  let held = 0;
  const last = ids.findIndex((id) => {
    held += probabilities[id];
    return held >= mass;
  });
  return last < 0 ? ids : ids.slice(0, last + 1);
}

/** The id at `where` (0 to 1) of the candidates' mass. */
function draw(probabilities: Float64Array, ids: number[] | undefined, where: number): number {
  const total = ids ? ids.reduce((sum, id) => sum + probabilities[id], 0) : 1;
  let left = where * total;
  let chosen = 0;
  for (let i = 0; i < (ids ?? probabilities).length; i++) {
    const id = ids ? ids[i] : i;
    if (probabilities[id] === 0) continue;
    chosen = id;
    left -= probabilities[id];
    if (left < 0) break;
  }
  return chosen;
}

function expectRange(name: string, value: number, low: number, high: number): void {
  if (!(value >= low && value <= high))
    throw new InputError(
      `${name}: expected a number from ${low} to ${high}, got ${value}. Leave it out for the default.`,
    );
}

/** A small seeded generator of numbers in [0, 1). */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
