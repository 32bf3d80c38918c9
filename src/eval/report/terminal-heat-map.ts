/** Score by depth and length in coloured blocks; the same figures without colours. */
import type { DepthTable } from "../summary/index.ts";
import { formatLength } from "./figures.ts";
import { blocks } from "./table.ts";

/** Red at 0, yellow at 1/2, green at 1: the ramp that needle-in-a-haystack heat maps have had since the first. */
const ramp = [
  [0xf0, 0x49, 0x6e],
  [0xeb, 0xb8, 0x39],
  [0x0c, 0xd7, 0x9f],
] as const;

/** Levels of a colour in the cube of 256-colour terminals, which more terminals know than exact colours. */
const cubeLevels = [0, 95, 135, 175, 215, 255];

/** Lines of the map: whole percents, depth downwards from the beginning of the context. */
export function heatMapLines(table: DepthTable, { columns, color }: { columns: number; color: boolean }): string[] {
  const labels = ["depth", ...table.bins.map(({ low, high }) => binLabel(low, high))];
  const labelWidth = Math.max(...labels.map((label) => label.length));
  const heads = table.lengths.map(formatLength);
  const width = 2 + Math.max(3, ...heads.map((head) => head.length));
  const line = (label: string, cells: readonly string[]) => `${label.padStart(labelWidth)} ${cells.join("")}`.trimEnd();
  return blocks(
    heads.map(() => width),
    columns - labelWidth - 1,
  ).flatMap(([from, to], block) => [
    ...(block > 0 ? [""] : []),
    line(
      labels[0],
      heads.slice(from, to).map((head) => `${head.padStart(width - 1)} `),
    ),
    ...table.cells.map((row, bin) =>
      line(
        labels[bin + 1],
        row.slice(from, to).map(({ score }) => {
          const text = score === undefined ? "-" : String(Math.round(100 * score));
          const padded = `${text.padStart(width - 1)} `;
          return color && score !== undefined ? onColor(score, padded) : padded;
        }),
      ),
    ),
  ]);
}

export function binLabel(low: number, high: number): string {
  const percent = (depth: number) => Math.round(100 * depth);
  return low === high ? `${percent(low)} %` : `${percent(low)}-${percent(high)} %`;
}

/** Black on the colour of a score. */
function onColor(score: number, text: string): string {
  const at = 2 * score;
  const stop = Math.min(1, Math.floor(at));
  const [red, green, blue] = ramp[stop].map((value, i) =>
    nearestLevel(value + (at - stop) * (ramp[stop + 1][i] - value)),
  );
  return `\u001b[30;48;5;${16 + 36 * red + 6 * green + blue}m${text}\u001b[0m`;
}

function nearestLevel(value: number): number {
  const distances = cubeLevels.map((level) => Math.abs(level - value));
  return distances.indexOf(Math.min(...distances));
}
