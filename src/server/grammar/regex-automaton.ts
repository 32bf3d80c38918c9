/**
 * Regular expressions of JavaScript as automata over code points: what the whole text must be, so anchors at the two ends say
 * nothing. Source: Thompson 1968, doi:10.1145/363347.363387. White space and line ends are
 * ASCII's. No look-around, back references, word boundaries or \p{…}.
 */
import { InputError } from "../../runtime/errors.ts";

/** Code points from `low` to `high`. */
export type Span = readonly [low: number, high: number];

export interface Edge {
  readonly spans: readonly Span[];
  readonly to: number;
}

/** Begins in state 0, ends in the last one. */
export interface Automaton {
  readonly edges: readonly (readonly Edge[])[];
  /** Steps that take no character. */
  readonly jumps: readonly (readonly number[])[];
}

const LAST = 0x10ffff;
const MOST_STATES = 4000;
const MOST_CHARACTERS = 1000;
const digits: Span[] = [[0x30, 0x39]];
const words: Span[] = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
];
const spaces: Span[] = [
  [9, 13],
  [32, 32],
];
const lineEnds: Span[] = [
  [10, 10],
  [13, 13],
];
const classes: Record<string, Span[]> = { d: digits, w: words, s: spaces };
const controls: Record<string, number> = { n: 10, r: 13, t: 9, f: 12, v: 11, 0: 0 };

/** Makes a part's states between two that are given. A part is made again for each time it is repeated. */
type Part = (from: number, to: number) => void;

/** Throws InputError for what is no regular expression, or not one of these. */
export function automatonOf(pattern: string): Automaton {
  return new Parser(pattern).automaton();
}

class Parser {
  private readonly text: string[];
  private at = 0;
  private readonly edges: Edge[][] = [];
  private readonly jumps: number[][] = [];

  constructor(pattern: string) {
    this.text = [...pattern];
    if (this.text.length > MOST_CHARACTERS) throw this.wrong(`at most ${MOST_CHARACTERS} characters`);
  }

  automaton(): Automaton {
    const whole = this.choice(true);
    if (this.at < this.text.length) throw this.wrong("a group before )");
    const begin = this.state();
    const inside = this.state();
    whole(begin, inside);
    const end = this.state();
    this.jumps[inside].push(end);
    return { edges: this.edges, jumps: this.jumps };
  }

  private choice(isTop: boolean): Part {
    const parts = [this.sequence(isTop)];
    while (this.take("|")) parts.push(this.sequence(isTop));
    return (from, to) => {
      for (const part of parts) part(from, to);
    };
  }

  private sequence(isTop: boolean): Part {
    const parts: Part[] = [];
    if (isTop) this.take("^");
    while (this.at < this.text.length && !"|)".includes(this.text[this.at])) {
      const endsHere = this.text[this.at] === "$" && [undefined, "|"].includes(this.text[this.at + 1]);
      if (isTop && endsHere) {
        this.at++;
        break;
      }
      parts.push(this.repeated(this.item()));
    }
    return inRow(parts, () => this.state(), this.jumps);
  }

  private item(): Part {
    const character = this.text[this.at++];
    switch (character) {
      case "(":
        return this.group();
      case "[":
        return this.oneOf(this.bracket());
      case ".":
        return this.oneOf(complement(lineEnds));
      case "\\":
        return this.oneOf(this.escape());
      case "^":
      case "$":
        throw this.wrong("^ and $ at the ends");
      case "*":
      case "+":
      case "?":
        throw this.wrong(`something before ${character}`);
      default:
        return this.oneOf([pointOf(character)]);
    }
  }

  private group(): Part {
    if (this.take("?")) {
      const isNamed = this.take("<");
      if (isNamed) while (/\w/.test(this.text[this.at] ?? "")) this.at++;
      if (!this.take(isNamed ? ">" : ":")) throw this.wrong("no look-around");
    }
    const inside = this.choice(false);
    if (!this.take(")")) throw this.wrong("a group to end");
    return inside;
  }

  private repeated(part: Part): Part {
    const [least, most] = this.counts();
    if (least === 1 && most === 1) return part;
    this.take("?");
    return (from, to) => {
      let last = from;
      const next = () => {
        const state = this.state();
        part(last, state);
        last = state;
      };
      for (let i = 0; i < least; i++) next();
      if (most === Number.POSITIVE_INFINITY) {
        // A state of its own to come back to, so that nothing else can go round.
        const round = this.state();
        this.jumps[last].push(round);
        const behind = this.state();
        part(round, behind);
        this.jumps[behind].push(round);
        this.jumps[round].push(to);
        return;
      }
      for (let i = least; i < most; i++) {
        this.jumps[last].push(to);
        next();
      }
      this.jumps[last].push(to);
    };
  }

  private counts(): [least: number, most: number] {
    if (this.take("*")) return [0, Number.POSITIVE_INFINITY];
    if (this.take("+")) return [1, Number.POSITIVE_INFINITY];
    if (this.take("?")) return [0, 1];
    const braces = /^\{(\d+)(,(\d*))?\}/.exec(this.text.slice(this.at, this.at + 16).join(""));
    if (!braces) return [1, 1];
    this.at += braces[0].length;
    const least = Number(braces[1]);
    const most = braces[2] === undefined ? least : braces[3] === "" ? Number.POSITIVE_INFINITY : Number(braces[3]);
    if (least > most) throw this.wrong("counts in order");
    return [least, most];
  }

  private bracket(): Span[] {
    const isNegated = this.take("^");
    const spans: Span[] = [];
    while (!this.take("]")) {
      const low = this.member();
      const isRange = this.text[this.at] === "-" && this.text[this.at + 1] !== "]";
      if (!isRange) spans.push(...low);
      else {
        this.at++;
        const [[from], [to]] = [low[0], this.member()[0]];
        if (from > to) throw this.wrong("a range in order");
        spans.push([from, to]);
      }
    }
    return isNegated ? complement(spans) : spans;
  }

  private member(): readonly Span[] {
    const character = this.text[this.at++];
    if (character === undefined) throw this.wrong("] at the end of a class");
    return character === "\\" ? this.escape(true) : [pointOf(character)];
  }

  private escape(isInside = false): readonly Span[] {
    const character = this.text[this.at++] ?? "";
    const known = classes[character.toLowerCase()];
    if (known) return character === character.toLowerCase() ? known : complement(known);
    if (character in controls) return [single(controls[character])];
    if (isInside && character === "b") return [single(8)];
    const rest = this.text.slice(this.at, this.at + 10).join("");
    const hex =
      character === "x" ? /^([0-9a-f]{2})/i : character === "u" ? /^(?:([0-9a-f]{4})|\{([0-9a-f]{1,6})\})/i : undefined;
    const found = hex?.exec(rest);
    if (found) {
      this.at += found[0].length;
      return [single(Number.parseInt(found[1] ?? found[2], 16))];
    }
    if (character === "" || /[0-9a-z]/i.test(character)) throw this.wrong(`another escape than \\${character}`);
    return [pointOf(character)];
  }

  private oneOf(spans: readonly Span[]): Part {
    return (from, to) => void this.edges[from].push({ spans, to });
  }

  private state(): number {
    if (this.edges.length >= MOST_STATES) throw this.wrong("fewer repetitions");
    this.jumps.push([]);
    return this.edges.push([]) - 1;
  }

  private take(character: string): boolean {
    if (this.text[this.at] !== character) return false;
    this.at++;
    return true;
  }

  private wrong(expected: string): InputError {
    const pattern = this.text.join("");
    return new InputError(
      `pattern: expected ${expected}, got ${JSON.stringify(pattern)} at ${this.at}. Write it otherwise.`,
    );
  }
}

function inRow(parts: readonly Part[], state: () => number, jumps: number[][]): Part {
  return (from, to) => {
    let last = from;
    for (const part of parts) {
      const next = state();
      part(last, next);
      last = next;
    }
    jumps[last].push(to);
  };
}

function single(point: number): Span {
  return [point, point];
}

function pointOf(character: string): Span {
  return single(character.codePointAt(0) ?? 0);
}

export function complement(spans: readonly Span[]): Span[] {
  const result: Span[] = [];
  let from = 0;
  for (const [low, high] of [...spans].sort(([a], [b]) => a - b)) {
    if (low > from) result.push([from, low - 1]);
    from = Math.max(from, high + 1);
  }
  return from > LAST ? result : [...result, [from, LAST]];
}
