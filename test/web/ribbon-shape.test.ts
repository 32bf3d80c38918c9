import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bars, cellAt, lanes, placeOf, shapeOf } from "../../web/src/ribbon-shape.ts";

const widths = fc.integer({ min: 40, max: 2000 });
const counts = fc.integer({ min: 1, max: 5000 });

test("every cell lies inside of the ribbon, and is the one that is found in its middle", () => {
  fc.assert(
    fc.property(counts, widths, fc.nat(), (cells, width, n) => {
      const cell = n % cells;
      const shape = shapeOf(cells, width);
      const { x, y } = placeOf(shape, cell);
      assert.ok(x >= 0 && x + shape.pitch <= shape.width && y >= 0 && y + 62 <= shape.height);
      assert.equal(cellAt(shape, x + shape.pitch / 2, y + lanes.kept.top, cells), cell);
    }),
  );
});

test("rows are few and of the same length: one where cells have 5 pixels, three at most down to there, then as many as 4 pixels need", () => {
  const shapes = (
    [
      [50, 1000],
      [58, 330],
      [300, 640],
      [2048, 640],
    ] as const
  ).map(([cells, width]) => shapeOf(cells, width));
  assert.deepEqual(
    shapes.map(({ pitch, perRow, rows }) => [pitch, perRow, rows]),
    [
      [12, 50, 1],
      [5, 58, 1],
      [6, 100, 3],
      [4, 158, 13],
    ],
  );
});

test("a point beside the cells is none of them", () => {
  const shape = shapeOf(10, 300);
  for (const [x, y] of [
    [-1, 20],
    [125, 20],
    [5, -1],
    [5, 80],
  ])
    assert.equal(cellAt(shape, x, y, 10), undefined);
});

test("a bar is as high as its level says; a level of 0 has none", () => {
  const shape = shapeOf(3, 36);
  const levels = [0, 0.5, 1];
  assert.equal(
    bars(shape, { top: 10, height: 20 }, 3, (cell) => levels[cell]),
    "M12 30h11v-10.00h-11zM24 30h11v-20.00h-11z",
  );
});
