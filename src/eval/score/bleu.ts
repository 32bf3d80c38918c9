/**
 * BLEU-4 of one text against one reference over whitespace tokens, as RepoQA scores functions: clipped n-gram
 * precisions, geometric mean, brevity penalty, and NLTK's smoothing "method4" (Chen and Cherry 2014) for orders without
 * a match. NLTK changed that smoothing more than once; this is the form of NLTK 3.10: p_n = ln(c) / (5 · 2^k) / count_n
 * for the k-th order without a match, c the length of the hypothesis.
 */
const orders = 4;

/** From 0 (no word in common) to 1 (the same words). */
export function bleu4(hypothesis: string, reference: string): number {
  const words = split(hypothesis);
  const expected = split(reference);
  let logSum = 0;
  let misses = 0;
  for (let order = 1; order <= orders; order++) {
    const matches = clippedMatches(words, expected, order);
    const total = Math.max(1, words.length - order + 1);
    if (matches > 0) logSum += Math.log(matches / total);
    else if (order === 1) return 0;
    // A single word has no smoothed orders: NLTK leaves them out of the mean.
    else if (words.length > 1) logSum += Math.log(Math.log(words.length) / (5 * 2 ** ++misses) / total);
  }
  const brevity = words.length > expected.length ? 1 : Math.exp(1 - expected.length / words.length);
  return brevity * Math.exp(logSum / orders);
}

function clippedMatches(words: string[], expected: string[], order: number): number {
  const available = countGrams(expected, order);
  let matches = 0;
  for (const [gram, count] of countGrams(words, order)) matches += Math.min(count, available.get(gram) ?? 0);
  return matches;
}

function countGrams(words: string[], order: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let start = 0; start + order <= words.length; start++) {
    const gram = words.slice(start, start + order).join(" ");
    counts.set(gram, (counts.get(gram) ?? 0) + 1);
  }
  return counts;
}

function split(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}
