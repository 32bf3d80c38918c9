import assert from "node:assert/strict";
import { test } from "node:test";
import { type KernelSpace, Pages, withTeam } from "../../test/support/kernels.ts";
import { type TensorType, tensorTypes } from "../formats/tensor-types.ts";
import { type KernelProfile, Profile } from "../runtime/profile.ts";
import {
  type AttentionItem,
  type AttentionShape,
  attention,
  attentionScratchBytes,
  floatPageBytes,
  int8PageBytes,
  itemBytes,
  PAGE_SLOTS,
} from "./attention.ts";
import { attentionColumns, columnBytes } from "./attention-columns.ts";
import { blockMasses, blockMassesBytes } from "./block-masses.ts";
import { matmuls, PackedRows, paddedRows } from "./matmul.ts";
import { type PageIndexShape, recordBytes, scorePages } from "./page-index.ts";
import { entryFlags, type LowBitFormat, pageBytes, sealPagesAs } from "./page-low.ts";
import { allocatePanels, panelBytes } from "./panels.ts";
import { projectedNorms } from "./projection.ts";
import { workOf } from "./work.ts";

const shape: AttentionShape = { numHeads: 6, numKvHeads: 2, headDim: 32, scale: 0.2, window: 0 };
const scratch = attentionScratchBytes(shape, PAGE_SLOTS);
const { headDim } = shape;
const group = 3;

/** What the profile has of a kernel after some commands. */
async function profileOf(kernel: string, use: (space: KernelSpace) => void): Promise<KernelProfile> {
  let row: KernelProfile | undefined;
  await withTeam(
    "simd",
    1,
    (space) => {
      space.team.profile = new Profile((...command) => workOf(space.heap, ...command));
      use(space);
      row = space.team.profile.rows().find((each) => each.kernel === kernel);
    },
    scratch,
  );
  return row ?? assert.fail(`${kernel} did not run`);
}

const typeOf = (name: string): TensorType => tensorTypes.find((type) => type.name === name) ?? assert.fail(name);

const kinds = {
  i4: ["Q4_0", "Q4_1", "Q4_K"],
  i5: ["Q5_0", "Q5_1", "Q5_K"],
  i16: ["Q2_K", "Q3_K", "Q6_K", "Q8_0"],
  f32: ["F16", "BF16", "F32"],
};

test("matmuls: 2 · rows · inputs · outputs by what is multiplied, and the bytes of the panels, however many rows", async () => {
  for (const rows of [1, 5]) {
    const matrices = Object.entries(kinds).flatMap(([kind, names]) =>
      names.map((name, i) => ({ kind, type: typeOf(name), outputs: 8 * (i + 1) })),
    );
    const inputs = 256;
    const { operations, bytes, calls } = await profileOf("matmuls", (space) => {
      const x = new PackedRows(space.heap, rows, inputs, ["int8", "int16", "float"]);
      x.set(space.allocate(4 * rows * inputs), rows, inputs);
      const products = matrices.map(({ type, outputs }) => ({
        weights: allocatePanels(space.heap, type, inputs, outputs),
        out: space.allocate(4 * paddedRows(rows) * outputs),
      }));
      for (let first = 0; first < products.length; first += 3) matmuls(space.team, x, products.slice(first, first + 3));
    });
    const expected: Record<string, number> = {};
    for (const { outputs, kind } of matrices)
      for (let row = 0; row < rows; row++)
        for (let output = 0; output < outputs; output++) expected[kind] = (expected[kind] ?? 0) + 2 * inputs;
    assert.deepEqual(operations, expected);
    assert.equal(
      bytes,
      matrices.reduce((sum, { type, outputs }) => sum + panelBytes(type, inputs, outputs), 0),
    );
    assert.equal(calls, Math.ceil(matrices.length / 3));
  }
});

const lowBits: readonly LowBitFormat[] = [
  { keys: { bits: 2, by: "channel" }, values: { bits: 4, by: "channel" } },
  { keys: { bits: 8, by: "channel" }, values: { bits: 3, by: "token" } },
  { keys: { bits: 3, by: "rotated-token" }, values: { bits: 2, by: "channel" } },
];

/** 300 keys in four full pages and an open one, which the last 44 of them, the queries, sit in. */
function pagesIn(space: KernelSpace): Pages {
  const keys = 300;
  const tokens = 44;
  return new Pages(space, shape, {
    k: new Float32Array(keys * shape.numKvHeads * headDim),
    v: new Float32Array(keys * shape.numKvHeads * headDim),
    keyPositions: Int32Array.from({ length: keys }, (_, key) => key),
    q: new Float32Array(tokens * shape.numHeads * headDim),
    positions: Int32Array.from({ length: tokens }, (_, t) => keys - tokens + t),
  });
}

/** Entries of two q8 pages, one f32 page, nothing, and a page of each low-bit format: what is in them does not matter. */
function mixedEntries({ space, float, sealed }: Pages, kvHead: number): number[] {
  const low = lowBits.map((format) => {
    const to = space.allocate(pageBytes(format, headDim));
    sealPagesAs(space.team, headDim, format, space.put(Uint32Array.of(float[kvHead][0], to)), 1);
    return to + entryFlags(format);
  });
  return [sealed[kvHead][0], sealed[kvHead][1], float[kvHead][2] + 1, 0, ...low];
}

const rows = 44 * group;
/** Of one multiplication and addition for each channel of each slot of a page. */
const page = 2 * rows * PAGE_SLOTS * headDim;

test("attention: 4 · rows · slots · head size for every page that is listed, by what is multiplied, and the pages' bytes", async () => {
  const { operations, bytes } = await profileOf("attention", (space) => {
    const pages = pagesIn(space);
    const items = [0, 1].map((kvHead) =>
      pages.item(kvHead, mixedEntries(pages, kvHead), { own: pages.float[kvHead][4] }),
    );
    const [q, positions] = [space.put(pages.inputs.q), space.put(pages.inputs.positions)];
    const args = { itemSpace: space.allocate(itemBytes(2)), q, positions, out: q };
    attention(space.team, space.heap, shape, items, args);
  });
  // q8 twice, by channel both halves, by channel the keys; f32 with the own page twice, values by token, turned keys and their values.
  assert.deepEqual(operations, { i7: 2 * page * (2 * 2 + 2 + 1), f32: 2 * page * (2 * 2 + 1 + 2) });
  const low = lowBits.reduce((sum, format) => sum + pageBytes(format, headDim), 0);
  assert.equal(bytes, 2 * (2 * int8PageBytes(headDim) + 2 * floatPageBytes(headDim) + low));
});

test("attentionColumns: 2 · rows · slots · head size for every listed page, twice, of the keys' kind", async () => {
  const { operations } = await profileOf("attentionColumns", (space) => {
    const pages = pagesIn(space);
    const item = pages.item(0, mixedEntries(pages, 0), { partial: space.allocate(columnBytes(7)) });
    const [q, positions] = [space.put(pages.inputs.q), space.put(pages.inputs.positions)];
    const args = { itemSpace: space.allocate(itemBytes(1)), q, positions, mode: "sum" as const };
    attentionColumns(space.team, space.heap, shape, [item], args);
  });
  assert.deepEqual(operations, { i7: 2 * page * 4, f32: 2 * page * 2 });
});

test("blockMasses: 64 · 32 / stride products of rows for every page and head of the group; rowMasses: 4 · 64", async () => {
  for (const stride of [8, 16, undefined]) {
    const { operations } = await profileOf(stride ? "blockMasses" : "rowMasses", (space) => {
      const pages = pagesIn(space);
      const items = [3, 2].map((count, kvHead) => ({
        ...pages.item(kvHead, pages.sealed[kvHead].slice(0, count)),
        numTokens: PAGE_SLOTS,
        partial: space.allocate(4 * count),
      }));
      const workBytes = blockMassesBytes(shape, { pages: 3, stride });
      const q = space.allocate(4 * PAGE_SLOTS * shape.numHeads * headDim);
      const args = {
        itemSpace: space.allocate(itemBytes(2)),
        q,
        stride,
        workBytes,
        work: space.allocate(2 * workBytes),
      };
      blockMasses(space.team, space.heap, shape, items, args);
    });
    const products = stride ? ((PAGE_SLOTS / stride) ** 2 * stride) / 2 : 4 * PAGE_SLOTS;
    assert.deepEqual(operations, { i7: 2 * headDim * products * group * (3 + 2) });
  }
});

test("scorePages: one product of a row with every vector of the pages' records", async () => {
  for (const index of [
    { kind: "bounds", slots: 16 },
    { kind: "mean", slots: 64 },
  ] as const satisfies PageIndexShape[]) {
    const tokens = 3;
    const pages = 5;
    const { operations, bytes } = await profileOf("scorePages", (space) => {
      const item: AttentionItem = {
        ...{ entries: space.allocate(pages * recordBytes(index, headDim)), numEntries: pages, own: 0 },
        ...{ firstToken: 0, numTokens: tokens, kvHead: 1, partial: space.allocate(4 * tokens * group * pages) },
      };
      const q = space.allocate(4 * tokens * shape.numHeads * headDim);
      scorePages(space.team, space.heap, shape, index, [item], { itemSpace: space.allocate(itemBytes(1)), q, pages });
    });
    const vectors = pages * (index.kind === "mean" ? 1 : 8);
    assert.deepEqual(operations, { f32: 2 * tokens * group * vectors * headDim });
    assert.equal(bytes, pages * recordBytes(index, headDim));
  }
});

test("projectedNorms: a product of every vector with every row", async () => {
  const { operations } = await profileOf("projectedNorms", (space) => {
    const [x, matrix, out] = [20 * headDim, 7 * headDim, 20].map((floats) => space.allocate(4 * floats));
    projectedNorms(space.team, { x, count: 20, headDim, matrix, rows: 7, power: 2, out });
  });
  assert.deepEqual(operations, { f32: 2 * 20 * 7 * headDim });
});
