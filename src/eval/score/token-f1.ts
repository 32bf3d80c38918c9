/**
 * Token F1 and substring match after SQuAD normalisation (Rajpurkar et al. 2016, evaluate-v1.1): lower case, ASCII
 * punctuation dropped, articles dropped, words. LongBench, HELMET and InfiniteBench use it.
 *
 * Chinese: LongBench segments with jieba, InfiniteBench takes one character as one token. We do the latter, so figures
 * for LongBench's Chinese sets differ a little from published ones.
 */

const asciiPunctuation = /[!-/:-@[-`{-~]/g;
const chinesePunctuation =
  /[！？｡。＂＃＄％＆＇（）＊＋，－／：；＜＝＞＠［＼］＾＿｀｛｜｝～｟｠｢｣､、〃》「」『』【】〔〕〖〗〘〙〚〛〜〝〞〟〰〾〿–—‘’‛“”„‟…‧﹏]/gu;
const articles = /(?<![\p{L}\p{N}_])(?:a|an|the)(?![\p{L}\p{N}_])/gu;

/** Lower case without punctuation and articles, words joined by single spaces. */
export function normalizeAnswer(text: string): string {
  return text.toLowerCase().replace(asciiPunctuation, "").replace(articles, " ").split(/\s+/).filter(Boolean).join(" ");
}

/** F1 of the words that both share, counted with repetition; 0 if they share none. */
export function tokenF1(output: string, reference: string): number {
  return f1(normalizeAnswer(output).split(" "), normalizeAnswer(reference).split(" "));
}

/** The same for Chinese: one character is one token. */
export function characterF1(output: string, reference: string): number {
  const characters = (text: string) => [
    ...text.toLowerCase().replace(asciiPunctuation, "").replace(chinesePunctuation, "").replace(/\s+/g, ""),
  ];
  return f1(characters(output), characters(reference));
}

/** 1 if any reference stands in the output once both are normalised. */
export function substringMatch(output: string, references: readonly string[]): number {
  const text = normalizeAnswer(output);
  return references.some((reference) => text.includes(normalizeAnswer(reference))) ? 1 : 0;
}

function f1(output: readonly string[], reference: readonly string[]): number {
  const left = new Map<string, number>();
  for (const token of reference) left.set(token, (left.get(token) ?? 0) + 1);
  let shared = 0;
  for (const token of output) {
    const count = left.get(token) ?? 0;
    if (token === "" || count === 0) continue;
    left.set(token, count - 1);
    shared++;
  }
  if (shared === 0) return 0;
  const precision = shared / output.length;
  const recall = shared / reference.length;
  return (2 * precision * recall) / (precision + recall);
}
