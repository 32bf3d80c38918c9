/** What prompt lookup is for: a request to repeat a function with one change, as people ask it of an assistant for code. */
import type { Engine } from "../../src/index.ts";
import { renderChat } from "../../src/index.ts";

const code = `
/** Splits a line of comma-separated values into fields. */
export function splitLine(line: string, options: SplitOptions = {}): string[] {
  const separator = options.separator ?? ",";
  const quote = options.quote ?? '"';
  const fields: string[] = [];
  let field = "";
  let isQuoted = false;
  let wasQuoted = false;

  for (let i = 0; i < line.length; i++) {
    const character = line[i];

    if (isQuoted) {
      if (character !== quote) {
        field += character;
        continue;
      }
      if (line[i + 1] === quote) {
        // Two quotes within quotes stand for one.
        field += quote;
        i++;
        continue;
      }
      isQuoted = false;
      wasQuoted = true;
      continue;
    }

    if (character === quote) {
      if (field.trim().length > 0) {
        throw new Error("A quote stands in the middle of a field, at column " + i);
      }
      field = "";
      isQuoted = true;
      continue;
    }

    if (character === separator) {
      fields.push(wasQuoted ? field : field.trim());
      field = "";
      wasQuoted = false;
      continue;
    }

    if (wasQuoted && character.trim().length > 0) {
      throw new Error("Text follows a quoted field, at column " + i);
    }
    if (!wasQuoted) {
      field += character;
    }
  }

  if (isQuoted) {
    throw new Error("A quoted field does not end");
  }
  fields.push(wasQuoted ? field : field.trim());
  return fields;
}
`.trim();

const request = 'Change the default separator from "," to ";". Answer with the whole function and nothing else.';

/** Tokens that answer it, with some to spare. */
export const editTokens = 520;

export function editPrompt({ tokenizer }: Engine): Int32Array {
  return renderChat(tokenizer, [{ role: "user", content: `\`\`\`ts\n${code}\n\`\`\`\n\n${request}` }]);
}
