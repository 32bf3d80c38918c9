import assert from "node:assert/strict";
import { test } from "node:test";
import { builds, expectClose, expectSame, type KernelSpace, withTeam } from "../../test/support/kernels.ts";
import { randomFloats } from "../../test/support/random.ts";
import { fillRowsReference, gateMulReference, rmsnormReference, ropeReference } from "./rows.reference.ts";
import { fillRows, gateMul, type RopeShape, rmsnorm, rope } from "./rows.ts";

const shapes = [
  [1, 4],
  [1, 576],
  [3, 896],
  [100, 64],
];

for (const build of builds) {
  // Four running sums of width/4 squares each round by a few 2^-24, the root halves that, three more operations follow.
  test(`rmsnorm, ${build}: within 1e-6 of the reference, relative, into another matrix, in place and added`, async () => {
    await withTeam(build, 2, (space) => {
      const eps = 1e-5;
      for (const [rows, width] of shapes) {
        const x = randomFloats(rows * width, width, 3);
        const weight = randomFloats(width, 1);
        const before = randomFloats(rows * width, 2);
        const expected = rmsnormReference(x, weight, eps);
        const run = (out: number, from: number, add = false) => {
          rmsnorm(space.team, { x: from, weight: space.put(weight), out, rows, width, eps, add });
          return space.floats(out, rows * width);
        };
        const apart = run(space.allocate(4 * rows * width), space.put(x));
        expectClose(apart, expected, { relative: 1e-6 }, `${rows} rows of ${width}`);
        const place = space.put(x);
        expectSame(run(place, place), apart, "in place");
        expectSame(
          run(space.put(before), space.put(x), true),
          before.map((value, i) => value + apart[i]),
          "added",
        );
      }
    });
  });

  test(`rmsnorm, ${build}: eps is inside the root, and a row of zeros stays zero`, async () => {
    await withTeam(build, 1, (space) => {
      const x = space.put(Float32Array.of(1e-3, -1e-3, 1e-3, 1e-3, 0, 0, 0, 0));
      rmsnorm(space.team, { x, weight: space.put(Float32Array.of(1, 1, 2, 1)), out: x, rows: 2, width: 4, eps: 3e-6 });
      expectClose(space.floats(x, 8), [0.5, -0.5, 1, 0.5, 0, 0, 0, 0], { absolute: 1e-6 });
    });
  });

  test(`fillRows, ${build}: every row is the bias, exactly`, async () => {
    await withTeam(build, 2, (space) => {
      for (const [rows, width] of shapes) {
        const bias = randomFloats(width, 7);
        const x = space.allocate(4 * rows * width);
        fillRows(space.team, x, space.put(bias), rows, width);
        expectClose(space.floats(x, rows * width), fillRowsReference(bias, rows), {}, `${rows} rows of ${width}`);
      }
    });
  });

  for (const activation of ["silu", "gelu"] as const) {
    // The exponential's polynomial is within 3e-6; where the sigmoid is tiny its argument's rounding counts |x|·2^-24 more.
    // Below −20 both functions are under 5e-8, and the absolute term takes over.
    test(`gateMul ${activation}, ${build}: within 5e-6 of the reference, relative, plus 1e-6, for gates from −1e4 to 1e4`, async () => {
      await withTeam(build, 2, (space) => {
        for (const [rows, width] of shapes) {
          const gate = randomFloats(rows * width, 5, 4);
          gate.set([-1e4, 1e4, 0, -90]);
          const up = randomFloats(rows * width, 6).map((value, i) => (i < 4 ? 1 : value));
          const x = space.put(gate);
          gateMul(space.team, activation, x, space.put(up), rows, width);
          const expected = gateMulReference(activation, gate, up);
          const tolerance = { relative: 5e-6, absolute: 1e-6 };
          expectClose(space.floats(x, rows * width), expected, tolerance, `${rows} rows of ${width}`);
        }
      });
    });
  }

  for (const interleaved of [false, true]) {
    const pairing = interleaved ? "interleaved" : "halves";
    // Cosines and sines are rounded to f32 once, then two products and a sum of numbers up to 5.
    test(`rope ${pairing}, ${build}: within 1e-6 of the reference, at least 0.1 from the other pairing, norms kept to 1e-6`, async () => {
      await withTeam(build, 2, (space) => {
        for (const [headDim, rotary] of [
          [64, 64],
          [96, 48],
          [128, 128],
          [256, 64],
        ]) {
          const shape = { heads: 3, headDim, rotary, interleaved };
          const positions = [0, 1, 7, 1000, 2 ** 20 + 5];
          const x = randomFloats(positions.length * 3 * headDim, headDim);
          const angle = (token: number, pair: number) => positions[token] * 10000 ** ((-2 * pair) / rotary);
          const turned = turn(space, shape, x, positions);
          expectClose(turned, ropeReference(x, shape, angle), { absolute: 1e-6 }, `${rotary} of ${headDim}`);
          const other = ropeReference(x, { ...shape, interleaved: !interleaved }, angle);
          assert.ok(turned.some((value, i) => Math.abs(value - other[i]) > 0.1));
          expectClose(normsOf(turned, headDim), normsOf(x, headDim), { relative: 1e-6 }, "norms");
          const kept = (values: Float32Array) => values.filter((_, i) => i % headDim >= rotary);
          expectSame(kept(turned), kept(x), "dimensions that do not turn");
        }
      });
    });

    // 64 products of numbers rounded to 2^-24, each up to about 4.
    test(`rope ${pairing}, ${build}: scores depend on distance only, a shift of 100,000 changes them by less than 1e-4`, async () => {
      await withTeam(build, 1, (space) => {
        const shape = { heads: 1, headDim: 64, rotary: 64, interleaved };
        const [q, k] = [randomFloats(64, 1), randomFloats(64, 2)];
        const score = (position: number, distance: number) => {
          const turnedQ = turn(space, shape, q, [position]);
          return turn(space, shape, k, [position - distance]).reduce((sum, value, i) => sum + value * turnedQ[i], 0);
        };
        for (const distance of [0, 1, 17, 4000]) {
          const near = score(distance, distance);
          expectClose([score(distance + 100_000, distance)], [near], { absolute: 1e-4 }, `distance ${distance}`);
          assert.ok(Math.abs(score(distance + 1, distance + 1) - near) > 1e-2, `distance ${distance} against one more`);
        }
      });
    });
  }
}

function normsOf(x: Float32Array, headDim: number): number[] {
  return Array.from({ length: x.length / headDim }, (_, head) =>
    Math.hypot(...x.subarray(head * headDim, (head + 1) * headDim)),
  );
}

function turn(space: KernelSpace, shape: RopeShape, x: Float32Array, positions: number[]): Float32Array {
  const pairs = shape.rotary / 2;
  const table = positions.flatMap((position) => {
    const angles = Array.from({ length: pairs }, (_, pair) => position * 10000 ** (-pair / pairs));
    return [...angles.map(Math.cos), ...angles.map(Math.sin)];
  });
  const address = space.put(x);
  rope(space.team, shape, space.put(Float32Array.from(table)), address, positions.length);
  return space.floats(address, x.length);
}
