/**
 * Rules of a grammar in XGrammar's EBNF, and those for any JSON.
 *
 * XGrammar 0.1.27 lets too much through where alternatives of one rule begin with the same terminal ("aaa" | "aaaaa" lets
 * "aaaaaaa" through, by bytes), and puts rules of terminals only in the place where they stand first. So alternatives never
 * begin alike: literals are a trie, and what is left of them after their first character is a rule of its own. Its classes of
 * characters are right for ASCII only, but one that excludes some of ASCII has all others.
 */
import { integerGrammar, numberGrammar } from "./number-grammar.ts";

/** The values of any JSON. What stands after "(=" can follow: it spares trying tokens that go beyond a string's end. */
const json = `
value ::= object | array | string | number | "true" | "false" | "null"
object ::= "{" (member (", " member)*)? "}"
member ::= key value
array ::= "[" (value (", " value)*)? "]"
string ::= "\\"" characters
characters ::= ("\\"" | [^"\\\\\\x00-\\x1f] characters | "\\\\" escape characters) (=([,}\\]]))
key ::= "\\"" keycharacters
keycharacters ::= ("\\": " | [^"\\\\\\x00-\\x1f] keycharacters | "\\\\" escape keycharacters)
character ::= [^"\\\\\\x00-\\x1f] | "\\\\" escape
escape ::= ["\\\\/bfnrt] | "u" ([0-9a-cA-CefEF] [0-9a-fA-F] | [dD] [0-7]) [0-9a-fA-F] [0-9a-fA-F]
integer ::= ${integerGrammar}
number ::= ${numberGrammar}
`;

export class GrammarRules {
  private readonly rules: string[] = [];
  private readonly tries = new Map<string, string>();

  /** Adds a rule and gives its name. A body that comes later may name it already. */
  rule(body: string | ((name: string) => string)): string {
    const name = `r${this.rules.length}`;
    this.rules.push("");
    const text = typeof body === "string" ? body : body(name);
    this.rules[Number(name.slice(1))] = `${name} ::= ${text}`;
    return name;
  }

  /** A rule for one out of some texts. */
  oneOf(texts: readonly string[]): string {
    const key = JSON.stringify([...new Set(texts)].sort());
    const known = this.tries.get(key);
    if (known) return known;
    const name = this.rule(this.trie(texts));
    this.tries.set(key, name);
    return name;
  }

  private trie(texts: readonly string[]): string {
    const common = new Set(texts).size > 1 ? commonBeginning(texts) : "";
    if (common) return `${literal(common)} ${this.oneOf(texts.map((text) => text.slice(common.length)))}`;
    const heads = new Map<string, string[]>();
    for (const text of texts) {
      const [head = ""] = text;
      heads.set(head, [...(heads.get(head) ?? []), text.slice(head.length)]);
    }
    const isEnd = (head: string, tails: readonly string[]) => isAscii(head) && tails.every((tail) => tail === "");
    const ends = [...heads].filter(([head, tails]) => head && isEnd(head, tails));
    const goesOn = [...heads].filter(([head, tails]) => head && !isEnd(head, tails));
    return [
      ...(heads.has("") ? ['""'] : []),
      ...(ends.length > 0 ? [asciiClass(ends.map(([head]) => [head.charCodeAt(0), head.charCodeAt(0)]))] : []),
      ...goesOn.map(([head, tails]) => this.after(head, tails)),
    ].join(" | ");
  }

  /** A character and then one of some texts. */
  private after(head: string, tails: readonly string[]): string {
    const rest = new Set(tails).size === 1 ? this.rule(literal(tails[0])) : this.oneOf(tails);
    const body = `${literal(head)} ${rest}`;
    // Other characters may begin with the same byte.
    return isAscii(head) ? body : this.rule(body);
  }

  /** `root`: a rule that was added. */
  text(root: string): string {
    return `root ::= ${root}\n${this.rules.join("\n")}\n${json}`;
  }
}

/** A terminal that matches this text. */
export function literal(text: string): string {
  const escaped = text.replaceAll("\\", "\\\\").replaceAll('"', '\\"');
  return `"${escaped.replace(/\p{Cc}/gu, (control) => `\\x${control.charCodeAt(0).toString(16).padStart(2, "0")}`)}"`;
}

function commonBeginning([first, ...others]: readonly string[]): string {
  let common = "";
  for (const character of first) {
    if (!others.every((text) => text.startsWith(common + character))) break;
    common += character;
  }
  return common;
}

function isAscii(character: string): boolean {
  return character < "\x80";
}

/** Any of these characters, from 0 to 127. */
export function asciiClass(spans: readonly (readonly [low: number, high: number])[]): string {
  const point = (code: number) => `\\x${code.toString(16).padStart(2, "0")}`;
  return `[${spans.map(([low, high]) => (low === high ? point(low) : `${point(low)}-${point(high)}`)).join("")}]`;
}
