/** What a slot of a page holds, from the layouts in kernels/page.ts, in f64. `page` is all of its bytes; D = headDim. */

export interface SlotReference {
  key: Float64Array;
  value: Float64Array;
}

/** f32 page: positions i32 [64], K f32 [D][64], V f32 [64][D] */
export function floatSlotReference(page: Uint8Array, slot: number, D: number): SlotReference {
  const floats = new Float32Array(page.slice().buffer);
  const key = Float64Array.from({ length: D }, (_, c) => floats[64 + c * 64 + slot]);
  const value = Float64Array.from({ length: D }, (_, c) => floats[64 + D * 64 + slot * D + c]);
  return { key, value };
}

/**
 * q8 page: positions i32 [64], kScale, kMean, vScale f32 [D], K u7 [slot/8][c/4][slot/4 % 2][slot % 4][c % 4],
 * V i8 [c/8][slot/4][c/4 % 2][c % 4][slot % 4].   key = kScale·(u − 64) + kMean,  value = vScale·i
 */
export function int8SlotReference(page: Uint8Array, slot: number, D: number): SlotReference {
  const { buffer } = page.slice();
  const scales = new Float32Array(buffer, 256, 3 * D);
  const codes = new Int8Array(buffer, 256 + 12 * D);
  const four = (i: number) => Math.floor(i / 4);
  const eight = (i: number) => Math.floor(i / 8);
  const key = Float64Array.from({ length: D }, (_, c) => {
    const at = ((((eight(slot) * D) / 4 + four(c)) * 2 + (four(slot) % 2)) * 4 + (slot % 4)) * 4 + (c % 4);
    return scales[c] * (codes[at] - 64) + scales[D + c];
  });
  const value = Float64Array.from({ length: D }, (_, c) => {
    const at = (((eight(c) * 16 + four(slot)) * 2 + (four(c) % 2)) * 4 + (c % 4)) * 4 + (slot % 4);
    return scales[2 * D + c] * codes[64 * D + at];
  });
  return { key, value };
}
