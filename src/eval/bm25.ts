/**
 * Okapi BM25 over short documents: which chunk of a text shares rare words with a question.
 * score(d, q) = Σ_t idf(t) · f(t,d) · (k1 + 1) / (f(t,d) + k1 · (1 − b + b · |d| / mean|d|)), t over the words of q,
 * idf(t) = ln(1 + (N − n(t) + ½) / (n(t) + ½)), which is never negative (Robertson and Zaragoza 2009; Lucene's idf).
 */
export interface Bm25Options {
  /** How soon repeated words stop to count. */
  readonly k1?: number;
  /** How much long documents are held back, 0 to 1. */
  readonly b?: number;
}

export interface Bm25 {
  /** One score a document, in their order. */
  scores(query: string): Float64Array;
  /** Indices of the `count` best documents, best first; of equal ones the earlier. */
  best(query: string, count: number): number[];
}

/** Prepares documents for questions. Words are runs of letters and digits in lower case; no stemming. */
export function createBm25(documents: readonly string[], { k1 = 1.2, b = 0.75 }: Bm25Options = {}): Bm25 {
  const lengths = documents.map(() => 0);
  /** Word -> document -> how often. */
  const postings = new Map<string, Map<number, number>>();
  for (const [index, document] of documents.entries())
    for (const word of wordsOf(document)) {
      lengths[index]++;
      const documentCounts = postings.get(word) ?? new Map<number, number>();
      postings.set(word, documentCounts);
      documentCounts.set(index, (documentCounts.get(index) ?? 0) + 1);
    }
  const meanLength = lengths.reduce((sum, length) => sum + length, 0) / documents.length;

  function scores(query: string): Float64Array {
    const result = new Float64Array(documents.length);
    for (const word of wordsOf(query)) {
      const documentCounts = postings.get(word);
      if (documentCounts === undefined) continue;
      const idf = Math.log(1 + (documents.length - documentCounts.size + 0.5) / (documentCounts.size + 0.5));
      for (const [index, count] of documentCounts) {
        const saturation = k1 * (1 - b + (b * lengths[index]) / meanLength);
        result[index] += (idf * count * (k1 + 1)) / (count + saturation);
      }
    }
    return result;
  }

  return {
    scores,
    best(query, count) {
      const score = scores(query);
      const order = documents
        .map((_, index) => index)
        .sort((left, right) => score[right] - score[left] || left - right);
      return order.slice(0, count);
    },
  };
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}
