/** Plain tables: columns as wide as their widest cell, in several blocks where the terminal is too narrow. */

/** A cell that is coloured after it was padded. */
export interface PaintedCell {
  readonly text: string;
  paint(padded: string): string;
}
export type TableCell = string | PaintedCell;

const gap = "  ";

/**
 * Lines of a table whose first column begins on the left and whose others end on the right. What does not fit into
 * `columns` characters goes into further blocks, each with the first column again.
 */
export function tableLines(
  header: readonly string[],
  rows: readonly (readonly TableCell[])[],
  columns: number,
): string[] {
  const table: (readonly TableCell[])[] = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...table.map((row) => textOf(row[column]).length)));
  return blocks(
    widths.slice(1).map((width) => gap.length + width),
    columns - widths[0],
  ).flatMap(([from, to], block) => [
    ...(block > 0 ? [""] : []),
    ...table.map((row) =>
      row
        .map((cell, column) => ({ cell, column }))
        .filter(({ column }) => column === 0 || (column > from && column <= to))
        .map(({ cell, column }) => padded(cell, widths[column], column === 0 ? "left" : "right"))
        .join(gap)
        .trimEnd(),
    ),
  ]);
}

/** Splits columns of the given widths into runs [from, to) that fit; a column that never fits stands alone. */
export function blocks(widths: readonly number[], room: number): [from: number, to: number][] {
  const runs: [number, number][] = [];
  let from = 0;
  let used = 0;
  widths.forEach((width, column) => {
    if (column > from && used + width > room) {
      runs.push([from, column]);
      from = column;
      used = 0;
    }
    used += width;
  });
  return [...runs, [from, widths.length]];
}

function textOf(cell: TableCell): string {
  return typeof cell === "string" ? cell : cell.text;
}

function padded(cell: TableCell, width: number, side: "left" | "right"): string {
  const text = side === "left" ? textOf(cell).padEnd(width) : textOf(cell).padStart(width);
  return typeof cell === "string" ? text : cell.paint(text);
}
