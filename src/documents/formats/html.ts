/** HTML as a reader sees it: text, lists, table rows; no addresses, no pictures, no line wrapping. */
import { compile } from "html-to-text";
import { InputError } from "../../runtime/errors.ts";
import { decodeText } from "./text.ts";

const convert = compile({
  wordwrap: null,
  // The default cuts a page off after 16 Mi characters.
  limits: { maxInputLength: undefined },
  selectors: [
    { selector: "a", options: { ignoreHref: true } },
    { selector: "ul", options: { itemPrefix: "- " } },
    { selector: "hr", options: { length: 3 } },
    ...["img", "svg", "template", "noscript"].map((selector) => ({ selector, format: "skip" })),
    ...["h1", "h2", "h3", "h4", "h5", "h6"].map((selector) => ({ selector, options: { uppercase: false } })),
    // A row to a line. Aligned columns would cost more tokens in spaces than the table has in words.
    { selector: "tr", format: "block", options: { leadingLineBreaks: 1, trailingLineBreaks: 1 } },
    ...["td + td", "td + th", "th + td", "th + th"].map((selector) => ({
      selector,
      format: "inlineSurround",
      options: { prefix: " | " },
    })),
    ...["td > p", "th > p"].map((selector) => ({ selector, format: "inline" })),
    ...["td > p + p", "th > p + p"].map((selector) => ({
      selector,
      format: "inlineSurround",
      options: { prefix: " " },
    })),
  ],
});

export function readHtml(bytes: Uint8Array, path: string): string {
  return htmlToText(decodeHtml(bytes, path), path);
}

export function htmlToText(html: string, path: string): string {
  try {
    return convert(html).replaceAll("\u00a0", " ").replaceAll("\u00ad", "").replace(/ +$/gm, "");
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new InputError(`${path}: expected HTML, got elements nested too deep to follow. Save the page as text.`);
  }
}

/** Pages of before 2010 or so often declare another character set than UTF-8. */
function decodeHtml(bytes: Uint8Array, path: string): string {
  const start = Buffer.from(bytes.subarray(0, 1024)).toString("latin1");
  const charset = /<meta[^>]+charset\s*=\s*["']?([\w-]+)/i.exec(start)?.[1].toLowerCase();
  if (charset === undefined || /^(utf-?8|iso-8859-1|windows-1252|us-ascii)$/.test(charset))
    return decodeText(bytes, path);
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    return decodeText(bytes, path);
  }
}
