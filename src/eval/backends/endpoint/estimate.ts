/**
 * Tokens of a text without its tokenizer, from ratios by kind of text. One ratio of characters for all would be
 * wrong by a factor of two and more, since prose has four to five characters a token and numbers and UUIDs one to two.
 */
const kinds = ["words", "capitals", "digits", "mixed", "symbols", "wide"] as const;
export type Kind = (typeof kinds)[number];
export type Ratios = Readonly<Record<Kind, number>>;

/** Runs of one kind with the space before them; what is left is white space, at about one token a run. */
const runs =
  /(?<wide> ?[A-Za-z0-9]*[^\p{ASCII}][^\s!-/:-@[-`{-~]*)|(?<mixed> ?(?:[A-Za-z]+[0-9]|[0-9]+[A-Za-z])[A-Za-z0-9]*)|(?<capitals> ?[A-Z]{2,}(?![a-z]))|(?<words> ?[A-Za-z]+)|(?<digits> ?[0-9]+)|(?<symbols> ?[!-/:-@[-`{-~]+)|\s+/gu;

/** Characters up to which a word is one unit, the space before it included. */
const wordLength = 9;

/** Texts of one kind each, to measure its ratio with. */
export const samplesOfKinds: Readonly<Record<Kind, string>> = {
  words:
    "The harbour master wrote every ship into a long grey book and nobody remembered when the custom had begun " +
    "because the oldest pages were lost in a flood that came before the first railway reached the northern coast " +
    "and carried fishermen merchants letters and several surprisingly cheerful musicians towards the capital",
  capitals: "XQZJA BLKRM TVEPO HDWUY NCGSF QIRXL MBOKZ JYTPA WFVHE DUCNS GLRQX ZIMBO",
  digits: "4820193 7718240 1593076 9034412 6650981 2287435 8106759 3349920 5571864 1902387",
  mixed: "9f3ab27c 41d8e0b6 c07f59a2 6be1d43f 8a90c5e7 d25b7f10 3c6e48a9 f1047db8 5e92ac36 b8d0631f",
  symbols: ". , ; : ( ) ! ? - _ / = + { } [ ] < > # * & % . , ; : ( )",
  wide: "Größenänderung für ländliche Cafés Übergänge über Straßen łódź świętość дорога через горы 東京の夏は暑い",
};

/** Where nothing could be measured. */
export const usualRatios: Ratios = { words: 1.1, capitals: 0.5, digits: 0.6, mixed: 0.6, symbols: 1, wide: 0.7 };

export function estimateTokens(text: string, ratios: Ratios): number {
  const { units, spaces } = unitsOf(text);
  return kinds.reduce((sum, kind) => sum + units[kind] * ratios[kind], spaces);
}

/** Ratios out of the tokens that were counted for `samplesOfKinds`. */
export function ratiosFrom(tokens: Readonly<Record<Kind, number>>): Ratios {
  return record((kind) => {
    const sample = samplesOfKinds[kind];
    const others = estimateTokens(sample, { ...usualRatios, [kind]: 0 });
    return Math.max(tokens[kind] - others, 1) / unitsOf(sample).units[kind];
  });
}

/** A value for each kind. */
export function record<T>(make: (kind: Kind) => T): Record<Kind, T> {
  return Object.fromEntries(kinds.map((kind) => [kind, make(kind)])) as Record<Kind, T>;
}

/** Characters where a token has few of them, and whole runs where it mostly is one: common words and symbols. */
function unitsOf(text: string): { units: Record<Kind, number>; spaces: number } {
  const units = record(() => 0);
  let spaces = 0;
  for (const { 0: run, groups } of text.matchAll(runs)) {
    const kind = kinds.find((name) => groups![name] !== undefined);
    if (kind === undefined) spaces++;
    else if (kind === "words") units.words += Math.max(1, run.length / wordLength);
    else units[kind] += kind === "symbols" ? 1 : run.length;
  }
  return { units, spaces };
}
