/** Positioned runs of characters on a PDF page -> lines and paragraphs. */

/** As pdf.js gives them: `transform` is [a b c d x y], y upwards; `hasEOL` ends a line. */
export interface PositionedText {
  str: string;
  transform: number[];
  height: number;
  hasEOL: boolean;
}

interface Line {
  text: string;
  y: number;
  height: number;
}

/** Lines in the order of the page's content, an empty line where the gap is well above the page's usual one. */
export function layOutPage(items: PositionedText[]): string {
  const lines = toLines(items);
  const gaps = lines.slice(1).map((line, index) => lines[index].y - line.y);
  const usual = median(gaps.filter((gap) => gap > 0));
  return lines
    .map(({ text }, index) => {
      if (index === 0) return text;
      const isParagraph = gaps[index - 1] > 1.35 * usual;
      return `${isParagraph ? "\n\n" : "\n"}${text}`;
    })
    .join("");
}

function toLines(items: PositionedText[]): Line[] {
  const lines: Line[] = [];
  let line: Line | undefined;
  for (const { str, transform, height, hasEOL } of items) {
    if (line === undefined && str.trim() !== "") line = { text: "", y: transform[5], height };
    if (line === undefined) continue;
    line.text += str;
    if (!hasEOL) continue;
    lines.push(line);
    line = undefined;
  }
  if (line !== undefined) lines.push(line);
  return lines.map((each) => ({ ...each, text: each.text.trimEnd() }));
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1];
}
