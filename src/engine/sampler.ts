/**
 * From logits to a token. Greedy at temperature 0; otherwise top-k, then min-p, then top-p on the softmax, then one draw.
 * The same seed, options and logits give the same token.
 */
import { InputError } from "../runtime/errors.ts";

export interface SamplingOptions {
  temperature?: number;
  topK?: number;
  topP?: number;
  minP?: number;
  seed?: number;
}

export type Sampler = (logits: Float32Array) => number;

export function createSampler(options: SamplingOptions = {}): Sampler {
  const { temperature = 0, topK = 0, topP = 1, minP = 0, seed = 0 } = options;
  expectRange("temperature", temperature, 0, 100);
  expectRange("topK", topK, 0, Number.MAX_SAFE_INTEGER);
  expectRange("topP", topP, 0, 1);
  expectRange("minP", minP, 0, 1);
  if (temperature === 0) return argmax;
  const random = mulberry32(seed);
  return (logits) => {
    const candidates = softmaxOfTop(logits, topK === 0 ? logits.length : topK, temperature);
    const kept = nucleus(candidates, topP, minP);
    const total = kept.reduce((sum, { probability }) => sum + probability, 0);
    let draw = random() * total;
    for (const { id, probability } of kept) {
      draw -= probability;
      if (draw < 0) return id;
    }
    return kept[kept.length - 1].id;
  };
}

export function argmax(logits: Float32Array): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i] > logits[best]) best = i;
  return best;
}

interface Candidate {
  id: number;
  probability: number;
}

/** The k most probable tokens in falling order, with unnormalised probabilities relative to the best. */
function softmaxOfTop(logits: Float32Array, k: number, temperature: number): Candidate[] {
  const best = logits[argmax(logits)];
  // Tokens less probable than e^-30 of the best cannot be drawn in practice; leaving them out keeps the sort short.
  const floor = best - 30 * temperature;
  const candidates: Candidate[] = [];
  for (let id = 0; id < logits.length; id++) {
    if (logits[id] >= floor) candidates.push({ id, probability: Math.exp((logits[id] - best) / temperature) });
  }
  candidates.sort((a, b) => b.probability - a.probability || a.id - b.id);
  return candidates.slice(0, k);
}

function nucleus(candidates: Candidate[], topP: number, minP: number): Candidate[] {
  const probable = candidates.filter(({ probability }) => probability >= minP); // relative to the best, which is 1
  const total = probable.reduce((sum, { probability }) => sum + probability, 0);
  let mass = 0;
  const end = probable.findIndex(({ probability }) => {
    mass += probability;
    return mass >= topP * total;
  });
  return end < 0 ? probable : probable.slice(0, end + 1);
}

function expectRange(name: string, value: number, low: number, high: number): void {
  if (!(value >= low && value <= high))
    throw new InputError(`${name}: expected a number from ${low} to ${high}, got ${value}. Leave it out for the default.`);
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
