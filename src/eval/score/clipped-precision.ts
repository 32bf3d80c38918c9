/**
 * BLEU with all weight on one order (Papineni et al. 2002): brevity penalty times clipped n-gram precision. What LooGLE
 * reports as BLEU-1 and BLEU-4 (NLTK's sentence_bleu with weights 1,0,0,0 and 0,0,0,1). Not the usual BLEU-4, which is
 * the geometric mean of orders 1 to 4.
 */

/** From 0 to 1; words are split at white space. */
export function clippedPrecision(output: string, reference: string, order: number): number {
  const [words, expected] = [output, reference].map((text) => text.split(/\s+/).filter(Boolean));
  const left = new Map<string, number>();
  for (const gram of nGrams(expected, order)) left.set(gram, (left.get(gram) ?? 0) + 1);
  let matches = 0;
  const produced = nGrams(words, order);
  for (const gram of produced) {
    const count = left.get(gram) ?? 0;
    if (count === 0) continue;
    left.set(gram, count - 1);
    matches++;
  }
  if (matches === 0) return 0;
  const brevity = words.length > expected.length ? 1 : Math.exp(1 - expected.length / words.length);
  return (brevity * matches) / produced.length;
}

function nGrams(words: readonly string[], order: number): string[] {
  return Array.from({ length: Math.max(0, words.length - order + 1) }, (_, i) => words.slice(i, i + order).join(" "));
}
