/** Words that count as the same word: enough of English inflection to see that a question gives a needle away. */

/** Endings and what they become; the first that fits and leaves three letters is taken off. */
const endings: readonly (readonly [RegExp, string])[] = [
  [/ies$/, "y"],
  [/(?:ing|ed)$/, ""],
  [/(?:s|x|z|ch|sh)es$/, ""],
  [/(?:ers|er|ly)$/, ""],
  [/(?<!s)s$/, ""],
];

/** Stems of the words of a text that carry meaning, in order. */
export function contentStems(text: string, functionWords: ReadonlySet<string>): string[] {
  const words = text.toLowerCase().match(/\p{L}+|\d+/gu) ?? [];
  return words.filter((word) => !functionWords.has(word)).map(stem);
}

export function stem(word: string): string {
  for (const [ending, becomes] of endings) {
    const left = word.replace(ending, becomes);
    if (left === word || left.length < 3) continue;
    // planned -> plan, riding and ride -> rid
    return left.replace(/([bdgklmnprt])\1$/, "$1").replace(/e$/, "");
  }
  return word.length > 3 ? word.replace(/e$/, "") : word;
}
