/**
 * Reads what Python prints for lists and dictionaries of texts, numbers, True, False and None: LooGLE keeps its questions
 * so, and asks models to answer so. JSON is read as well.
 */
import type { Json } from "./json-lines.ts";

const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f", "\n": "" };
const constants: Readonly<Record<string, Json>> = {
  True: true,
  False: false,
  None: null,
  true: true,
  false: false,
  null: null,
};

/** undefined if the text is not one literal and nothing more. */
export function parsePythonLiteral(text: string): Json | undefined {
  let at = 0;
  const skip = () => {
    while (/\s/.test(text[at] ?? "")) at++;
  };
  const take = (token: string) => {
    skip();
    if (!text.startsWith(token, at)) return false;
    at += token.length;
    return true;
  };

  function value(): Json {
    skip();
    if (take("[")) return items("]", value);
    if (take("(")) return items(")", value);
    if (take("{")) return Object.fromEntries(items("}", entry));
    if (text[at] === "'" || text[at] === '"') return string(text[at++]);
    const [word] = /^[A-Za-z]+|^-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/.exec(text.slice(at, at + 40)) ?? [];
    if (word === undefined) throw new SyntaxError(`place ${at}`);
    at += word.length;
    if (word in constants) return constants[word];
    if (/^[A-Za-z]/.test(word)) throw new SyntaxError(word);
    return Number(word);
  }

  function items<T>(end: string, read: () => T): T[] {
    const all: T[] = [];
    while (!take(end)) {
      all.push(read());
      if (take(",")) continue;
      if (!take(end)) throw new SyntaxError(`place ${at}`);
      break;
    }
    return all;
  }

  function entry(): [string, Json] {
    const name = value();
    if (!take(":")) throw new SyntaxError(`place ${at}`);
    return [String(name), value()];
  }

  function string(quote: string): string {
    const piece = /\\x([0-9a-fA-F]{2})|\\u([0-9a-fA-F]{4})|\\([\s\S])|([^\\])/uy;
    for (let read = ""; ; ) {
      if (text[at] === quote) {
        at++;
        return read;
      }
      piece.lastIndex = at;
      const [whole, byte, unit, escaped, plain] = piece.exec(text) ?? [];
      if (whole === undefined) throw new SyntaxError("a text without an end");
      const code = byte ?? unit;
      read +=
        code !== undefined ? String.fromCharCode(Number.parseInt(code, 16)) : (plain ?? escapes[escaped] ?? escaped);
      at += whole.length;
    }
  }

  try {
    const read = value();
    skip();
    return at === text.length ? read : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
