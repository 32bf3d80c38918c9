/** Where the cells of a ribbon stand: a strip that is broken into rows as text is, with three lanes a row below names and marks. Pixels. */

export interface RibbonShape {
  /** From one cell to the next. */
  readonly pitch: number;
  readonly perRow: number;
  readonly rows: number;
  readonly width: number;
  readonly height: number;
}

export const lanes = {
  attended: { top: 22, height: 26 },
  kept: { top: 50, height: 7 },
  cached: { top: 59, height: 3 },
  /** All of them, while there is nothing to tell apart. */
  whole: { top: 22, height: 40 },
} as const;
const ROW = 62;
const BETWEEN_ROWS = 10;
const WIDEST = 12;
/** Cells get no narrower than this to save rows; of very many, no narrower than the least. */
const NARROW = 5;
const LEAST = 4;
const FEW_ROWS = 3;

/** The fewest rows that leave cells wide enough, all but the last of the same length. */
export function shapeOf(cells: number, available: number): RibbonShape {
  const width = Math.max(available, WIDEST);
  let rows = 0;
  let perRow: number;
  let pitch: number;
  do {
    rows++;
    perRow = Math.ceil(cells / rows);
    pitch = Math.min(WIDEST, Math.floor(width / perRow));
  } while (pitch < (rows <= FEW_ROWS ? NARROW : LEAST));
  return { pitch, perRow, rows, width, height: rows * (ROW + BETWEEN_ROWS) - BETWEEN_ROWS };
}

export function placeOf({ pitch, perRow }: RibbonShape, cell: number): { x: number; y: number } {
  return { x: pitch * (cell % perRow), y: (ROW + BETWEEN_ROWS) * Math.floor(cell / perRow) };
}

/** The cell under a point, if there is one. */
export function cellAt(shape: RibbonShape, x: number, y: number, cells: number): number | undefined {
  const column = Math.floor(x / shape.pitch);
  const row = Math.floor(y / (ROW + BETWEEN_ROWS));
  const cell = row * shape.perRow + column;
  return column >= 0 && column < shape.perRow && row >= 0 && cell < cells ? cell : undefined;
}

/** One path of bars, each standing on the floor of a lane: `level` is from 0 to 1 of its height. */
export function bars(
  shape: RibbonShape,
  lane: { readonly top: number; readonly height: number },
  cells: number,
  level: (cell: number) => number,
): string {
  const gap = shape.pitch > 5 ? 1 : 0.5;
  let path = "";
  for (let cell = 0; cell < cells; cell++) {
    const height = lane.height * level(cell);
    if (height <= 0) continue;
    const { x, y } = placeOf(shape, cell);
    const bottom = y + lane.top + lane.height;
    path += `M${x} ${bottom}h${shape.pitch - gap}v${(-Math.max(height, 0.6)).toFixed(2)}h${gap - shape.pitch}z`;
  }
  return path;
}
