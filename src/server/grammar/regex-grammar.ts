/** Regular expressions as grammars (XGrammar's EBNF): a rule for each state of the deterministic automaton. */
import { InputError } from "../../runtime/errors.ts";
import { asciiClass, type GrammarRules, literal } from "./grammar-rules.ts";
import { type Automaton, automatonOf, complement, type Span } from "./regex-automaton.ts";

const MOST_RULES = 400;
const MOST_OTHERS = 64;
const LAST = 0x10ffff;
const escapedInJson: Span[] = [
  [0, 0x1f],
  [0x22, 0x22],
  [0x5c, 0x5c],
];
/** What JSON writes with a backslash, by what stands behind it. */
const escapes = new Map(
  [...'"\\\b\f\n\r\t'].map((character) => [character.charCodeAt(0), JSON.stringify(character)[2]]),
);

export interface RegexOptions {
  /** Texts are the inside of a JSON string, whose end the rule takes with it. */
  readonly isJson: boolean;
}

/** A rule for the texts that match as a whole. Throws InputError. */
export function addRegex(grammar: GrammarRules, pattern: string, options: RegexOptions): string {
  return new RegexRules(grammar, pattern, options).rule();
}

class RegexRules {
  private readonly grammar: GrammarRules;
  private readonly pattern: string;
  private readonly automaton: Automaton;
  private readonly isJson: boolean;
  /** By the states that the automaton may be in. */
  private readonly rules = new Map<string, string>();

  constructor(grammar: GrammarRules, pattern: string, { isJson }: RegexOptions) {
    this.grammar = grammar;
    this.pattern = pattern;
    this.automaton = automatonOf(pattern);
    this.isJson = isJson;
  }

  rule(): string {
    return this.ruleOf(this.closure([0]));
  }

  private ruleOf(states: readonly number[]): string {
    const key = states.join();
    const known = this.rules.get(key);
    if (known) return known;
    if (this.rules.size >= MOST_RULES)
      throw new InputError(`pattern: expected a simpler one, got ${JSON.stringify(this.pattern)}. Shorten it.`);
    return this.grammar.rule((name) => {
      this.rules.set(key, name);
      return this.body(states);
    });
  }

  private body(states: readonly number[]): string {
    const isEnd = states.includes(this.automaton.edges.length - 1);
    const alternatives = isEnd ? [this.isJson ? literal('"') : '""'] : [];
    const escaped: string[] = [];
    for (const [to, spans] of this.targets(states)) {
      const next = this.ruleOf(to.split(",").map(Number));
      const ascii = without(within(spans, [1, 0x7f]), this.isJson ? escapedInJson : []);
      if (ascii.length > 0) alternatives.push(`${asciiClass(ascii)} ${next}`);
      alternatives.push(...this.others(spans).map((other) => this.grammar.rule(`${other} ${next}`)));
      for (const [point, letter] of escapes)
        if (this.isJson && within(spans, [point, point]).length > 0) escaped.push(`${literal(letter)} ${next}`);
    }
    if (escaped.length > 0) alternatives.push(`${literal("\\")} ${this.grammar.rule(escaped.join(" | "))}`);
    if (alternatives.length === 0)
      throw new InputError(
        `pattern: expected a text that matches, got none for ${JSON.stringify(this.pattern)}. Correct it.`,
      );
    return `(${alternatives.join(" | ")})${this.isJson ? " (=([,}\\]]))" : ""}`;
  }

  /** Characters beyond ASCII: all there are, or one by one. They may begin with the same byte, so that each has a rule. */
  private others(spans: readonly Span[]): string[] {
    const others = within(spans, [0x80, LAST]);
    const count = others.reduce((sum, [low, high]) => sum + high - low + 1, 0);
    if (count === LAST - 0x7f) return ["[^\\x00-\\x7f]"];
    if (count > MOST_OTHERS)
      throw new InputError(
        `pattern: expected classes with all or at most ${MOST_OTHERS} of the characters beyond ASCII, got ${count} in ` +
          `${JSON.stringify(this.pattern)}. Write it otherwise.`,
      );
    return others.flatMap(([low, high]) =>
      Array.from({ length: high - low + 1 }, (_, i) => literal(String.fromCodePoint(low + i))),
    );
  }

  /** Where each character leads: by the states after it, the spans of such characters. */
  private targets(states: readonly number[]): Map<string, Span[]> {
    const edges = states.flatMap((state) => this.automaton.edges[state]);
    const begins = new Set(edges.flatMap(({ spans }) => spans.flatMap(([low, high]) => [low, high + 1])));
    const sorted = [...begins].sort((a, b) => a - b);
    const targets = new Map<string, Span[]>();
    for (const [i, low] of sorted.entries()) {
      const to = edges.filter(({ spans }) => spans.some((span) => span[0] <= low && low <= span[1]));
      if (to.length === 0) continue;
      const key = this.closure(to.map((edge) => edge.to)).join();
      targets.set(key, [...(targets.get(key) ?? []), [low, sorted[i + 1] - 1]]);
    }
    return targets;
  }

  private closure(states: readonly number[]): number[] {
    const all = new Set(states);
    for (const state of all) for (const to of this.automaton.jumps[state]) all.add(to);
    return [...all].sort((a, b) => a - b);
  }
}

function within(spans: readonly Span[], [low, high]: Span): Span[] {
  return spans.flatMap(([from, to]): Span[] =>
    from > high || to < low ? [] : [[Math.max(from, low), Math.min(to, high)]],
  );
}

function without(spans: readonly Span[], others: readonly Span[]): Span[] {
  return complement(others).flatMap((span) => within(spans, span));
}
