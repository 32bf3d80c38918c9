import { test } from "node:test";
import { builds, expectClose, expectSame, Pages, withTeam } from "../../test/support/kernels.ts";
import { randomFloats } from "../../test/support/random.ts";
import { FLOAT_PAGE, floatPageBytes, int8PageBytes, PAGE_SLOTS } from "./attention.ts";
import { floatSlotReference, int8SlotReference } from "./slots.reference.ts";
import { readSlots } from "./slots.ts";

const KEYS = 150;
const KV_HEADS = 2;
/** Row of every key of a page, and of its empty slots: five in seven go somewhere, out of order. */
const rowOf = (key: number) => (key < KEYS && key % 7 !== 3 && key % 7 !== 4 ? (key * 67) % KEYS : -1);

// q8: a product and a sum of f32, up to 4 in size. Half a step of a channel's 64 keys is 4.7/127/2, of its values 3/127/2.
for (const build of builds)
  for (const headDim of [16, 64, 128])
    test(`readSlots, ${build}, head size ${headDim}: f32 pages exactly, q8 pages within 1e-6 of the layout and 0.03 of what was sealed, other rows untouched`, async () => {
      const shape = { numHeads: KV_HEADS, numKvHeads: KV_HEADS, headDim, scale: 1, window: 0 };
      const inputs = {
        k: randomFloats(KEYS * KV_HEADS * headDim, 1),
        v: randomFloats(KEYS * KV_HEADS * headDim, 2),
        keyPositions: Int32Array.from({ length: KEYS }, (_, key) => key),
        q: new Float32Array(0),
        positions: new Int32Array(0),
      };
      await withTeam(build, 1, (space) => {
        const pages = new Pages(space, shape, inputs);
        for (const kvHead of [0, 1]) {
          const entries = Array.from({ length: pages.numPages }, (_, n) => pages.entry(kvHead, n, "mixed"));
          const pairs = entries.flatMap((entry, n) => [
            entry,
            space.put(Int32Array.from({ length: PAGE_SLOTS }, (_, slot) => rowOf(n * PAGE_SLOTS + slot))),
          ]);
          const untouched = new Float32Array(KEYS * headDim).fill(Number.NaN);
          const [keys, values] = [space.put(untouched), space.put(untouched)];
          readSlots(space.team, {
            pairs: space.put(Uint32Array.from(pairs)),
            count: entries.length,
            headDim,
            keys,
            values,
          });
          const read = [space.floats(keys, untouched.length), space.floats(values, untouched.length)];
          const expected = [untouched.slice(), untouched.slice()];
          for (let key = 0; key < KEYS; key++) {
            const row = rowOf(key);
            if (row < 0) continue;
            const entry = entries[Math.floor(key / PAGE_SLOTS)];
            const isFloat = (entry & FLOAT_PAGE) === 1;
            const page = entry - (entry & 1);
            const bytes = space.heap.u8.slice(page, page + (isFloat ? floatPageBytes : int8PageBytes)(headDim));
            const reference = (isFloat ? floatSlotReference : int8SlotReference)(bytes, key % PAGE_SLOTS, headDim);
            [reference.key, reference.value].forEach((whole, i) => {
              const sealed = [inputs.k, inputs.v][i].subarray((key * KV_HEADS + kvHead) * headDim).subarray(0, headDim);
              const actual = read[i].subarray(row * headDim, (row + 1) * headDim);
              const what = `${["key", "value"][i]} ${key}`;
              expectClose(actual, whole, { absolute: isFloat ? 0 : 1e-6 }, what);
              expectClose(actual, sealed, { absolute: isFloat ? 0 : 0.03 }, `${what}, as it came`);
              expected[i].set(actual, row * headDim);
            });
          }
          expectSame(read[0], expected[0], "keys that nothing went to");
          expectSame(read[1], expected[1], "values that nothing went to");
        }
      });
    });
