/** Grammars (XGrammar's EBNF) of JSON numbers between bounds, digit by digit: alternatives never begin with the same digit. */

export interface Bounds {
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
}

/** Adds a rule to a grammar and gives its name. */
export type AddRule = (body: string) => string;

/** Digits of integers and of fractions: more than that no number in JavaScript holds, and weak models never end them. */
const MOST_DIGITS = 15;
const LARGEST = 10 ** MOST_DIGITS - 1;
const digits = `("0" | [1-9] [0-9]{0,${MOST_DIGITS - 1}})`;
const fraction = `("." [0-9]{1,${MOST_DIGITS}})`;
const nonZeroFraction = `("." [0-9]{0,${MOST_DIGITS - 1}} [1-9])`;
const zeroFraction = `("." "0")`;

export const integerGrammar = `"-"? ${digits}`;
export const numberGrammar = `"-"? ${digits} ${fraction}? ([eE] [+\\-]? [0-9]{1,2})?`;

/** A whole number by the ranges of its digits, and what follows it. */
interface Pattern {
  readonly digits: readonly Range[];
  readonly tail: string;
}
type Range = readonly [low: number, high: number];

/** None if no number lies between the bounds. */
export function boundedInteger(bounds: Bounds, add: AddRule): string | undefined {
  const { minimum = -LARGEST, maximum = LARGEST, exclusiveMinimum: above, exclusiveMaximum: below } = bounds;
  const least = Math.max(-LARGEST, Math.ceil(minimum), above === undefined ? -LARGEST : Math.floor(above) + 1);
  const most = Math.min(LARGEST, Math.floor(maximum), below === undefined ? LARGEST : Math.ceil(below) - 1);
  return signed(between(Math.max(1, -most), -least), between(Math.max(0, least), most), add);
}

/** For bounds that are whole numbers. None if no number lies between them. */
export function boundedNumber(bounds: Bounds, add: AddRule): string | undefined {
  const { minimum = -LARGEST, maximum = LARGEST, exclusiveMinimum, exclusiveMaximum } = bounds;
  const least = Math.max(-LARGEST, minimum, exclusiveMinimum ?? -LARGEST);
  const most = Math.min(LARGEST, maximum, exclusiveMaximum ?? LARGEST);
  const low: End = { at: least, isIn: least !== exclusiveMinimum };
  const high: End = { at: most, isIn: most !== exclusiveMaximum };
  const mirrored = (end: End): End => ({ at: -end.at, isIn: end.isIn });
  const negative = least < 0 ? magnitudes(most < 0 ? mirrored(high) : { at: 0, isIn: false }, mirrored(low)) : [];
  const positive = most >= 0 ? magnitudes(least >= 0 ? low : { at: 0, isIn: true }, high) : [];
  return signed(negative, positive, add);
}

interface End {
  readonly at: number;
  readonly isIn: boolean;
}

/** Numbers from `low` to `high`, both whole and not negative. */
function magnitudes(low: End, high: End): Pattern[] {
  if (low.at > high.at || (low.at === high.at && !(low.isIn && high.isIn))) return [];
  if (low.at === high.at) return between(low.at, low.at, `${zeroFraction}?`);
  return [
    ...between(low.at, low.at, low.isIn ? `${fraction}?` : nonZeroFraction),
    ...between(low.at + 1, high.at - 1, `${fraction}?`),
    ...(high.isIn ? between(high.at, high.at, `${zeroFraction}?`) : []),
  ];
}

/** The whole numbers from `least` to `most`, not negative. */
function between(least: number, most: number, tail = '""'): Pattern[] {
  const patterns: Pattern[] = [];
  for (let from = least; from <= most; ) {
    const end = Math.min(most, 10 ** String(from).length - 1);
    patterns.push(...sameLength(String(from), String(end)).map((digits) => ({ digits, tail })));
    from = end + 1;
  }
  return patterns;
}

function sameLength(low: string, high: string): Range[][] {
  if (low === "") return [[]];
  const [first, last] = [Number(low[0]), Number(high[0])];
  const after = (digit: number, from: string, to: string) =>
    sameLength(from, to).map((rest): Range[] => [[digit, digit], ...rest]);
  if (first === last) return after(first, low.slice(1), high.slice(1));
  const [zeros, nines] = ["0".repeat(low.length - 1), "9".repeat(low.length - 1)];
  const begin = low.slice(1) === zeros ? first : first + 1;
  const end = high.slice(1) === nines ? last : last - 1;
  const any = Array.from(zeros, (): Range => [0, 9]);
  return [
    ...(begin > first ? after(first, low.slice(1), nines) : []),
    ...(begin <= end ? [[[begin, end] as Range, ...any]] : []),
    ...(end < last ? after(last, zeros, high.slice(1)) : []),
  ];
}

function signed(negative: readonly Pattern[], positive: readonly Pattern[], add: AddRule): string | undefined {
  const known = new Map<string, string>();
  const parts = [
    ...(negative.length > 0 ? [`"-" ${digitByDigit(negative, add, known)}`] : []),
    ...(positive.length > 0 ? [digitByDigit(positive, add, known)] : []),
  ];
  return parts.length > 0 ? add(parts.join(" | ")) : undefined;
}

/** A rule for all patterns, where digits after which the same may come are one alternative. */
function digitByDigit(patterns: readonly Pattern[], add: AddRule, known: Map<string, string>): string {
  const key = JSON.stringify(patterns);
  const before = known.get(key);
  if (before) return before;
  const alternatives = patterns.filter(({ digits }) => digits.length === 0).map(({ tail }) => tail);
  const restAfter = (digit: number) =>
    patterns
      .filter(({ digits: [range] }) => range && range[0] <= digit && digit <= range[1])
      .map(({ digits, tail }): Pattern => ({ digits: digits.slice(1), tail }));
  for (let digit = 0; digit <= 9; ) {
    const rest = restAfter(digit);
    let end = digit + 1;
    while (end <= 9 && JSON.stringify(restAfter(end)) === JSON.stringify(rest)) end++;
    if (rest.length > 0) alternatives.push(`[${digit}-${end - 1}] ${digitByDigit(rest, add, known)}`);
    digit = end;
  }
  const name = add(alternatives.join(" | "));
  known.set(key, name);
  return name;
}
