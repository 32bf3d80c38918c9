/** How much a long text repeats itself, without a judge. Words are split at white space. */

export interface Repetition {
  /** Different word triples / word triples (Li et al. 2016, distinct-n). 1 if there are none. */
  readonly distinct3: number;
  /** Share of words that lie in the second or a later copy of a run of 20 words. */
  readonly repeated: number;
  /** 1 if some run of 20 words comes at least four times: the model is going round in circles. */
  readonly loop: number;
}

const RUN = 20;
const LOOP_COPIES = 4;

export function repetition(text: string): Repetition {
  const words = text.split(/\s+/).filter(Boolean);
  const triples = runs(words, 3);
  const copies = new Map<string, number>();
  const isRepeated = new Uint8Array(words.length);
  for (const [start, run] of runs(words, RUN).entries()) {
    const seen = copies.get(run) ?? 0;
    copies.set(run, seen + 1);
    if (seen > 0) isRepeated.fill(1, start, start + RUN);
  }
  return {
    distinct3: triples.length === 0 ? 1 : new Set(triples).size / triples.length,
    repeated: words.length === 0 ? 0 : isRepeated.reduce((sum, flag) => sum + flag, 0) / words.length,
    loop: [...copies.values()].some((count) => count >= LOOP_COPIES) ? 1 : 0,
  };
}

/** How well a length was kept: shorter / longer of the two. */
export function lengthFollowing(length: number, requested: number): number {
  return Math.min(length, requested) / Math.max(length, requested, 1);
}

function runs(words: readonly string[], length: number): string[] {
  return Array.from({ length: Math.max(0, words.length - length + 1) }, (_, i) => words.slice(i, i + length).join(" "));
}
