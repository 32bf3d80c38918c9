// Slots of KV pages (page.ts) back into rows of f32.

/**
 * One item is a page: u32 [entry, rows] in `pairs`, bit 0 of the entry set for f32 pages. rows: i32 [64], the row of `keys` and
 * `values`, f32 [row][D], that each slot goes to; negative for none. D a multiple of 8.
 */
export function readSlots(
  begin: i32,
  end: i32,
  scratch: usize,
  pairs: usize,
  D: i32,
  keys: usize,
  values: usize,
): void {
  const rowBytes = (<usize>D) << 2;
  for (let item = begin; item < end; item++) {
    const entry = load<usize>(pairs + ((<usize>item) << 3)),
      rows = load<usize>(pairs + ((<usize>item) << 3), 4);
    const page = entry & ~(<usize>7);
    for (let slot: usize = 0; slot < 64; slot++) {
      const row = load<i32>(rows + (slot << 2));
      if (row < 0) continue;
      const key = keys + <usize>row * rowBytes,
        value = values + <usize>row * rowBytes;
      if (entry & 1) readFloat(page, slot, <usize>D, key, value);
      else readInt8(page, slot, <usize>D, key, value);
    }
  }
}

function readFloat(page: usize, slot: usize, D: usize, key: usize, value: usize): void {
  const channels = page + 256 + (slot << 2);
  for (let c: usize = 0; c < D; c++) store<f32>(key + (c << 2), load<f32>(channels + (c << 8)));
  memory.copy(value, page + 256 + (D << 8) + slot * (D << 2), D << 2);
}

function readInt8(page: usize, slot: usize, D: usize, key: usize, value: usize): void {
  const kScale = page + 256,
    kMean = kScale + (D << 2),
    vScale = kMean + (D << 2);
  const codes = vScale + (D << 2);
  // 4 dims of a slot are 4 bytes in a row for keys; for values they are one byte of each of 4 lanes.
  const k = codes + (slot >> 3) * (D << 3) + (((slot >> 2) & 1) << 4) + ((slot & 3) << 2);
  const v = codes + (D << 6) + ((slot >> 2) << 5);
  const shift = 24 - ((<i32>(slot & 3)) << 3);
  const zero = i32x4.splat(64);
  for (let c: usize = 0; c < D; c += 4) {
    const to = c << 2;
    const u = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(k + (c << 3))));
    const offset = f32x4.convert_i32x4_s(i32x4.sub(u, zero));
    v128.store(key + to, f32x4.add(f32x4.mul(v128.load(kScale + to), offset), v128.load(kMean + to)));
    const lanes = v128.load(v + ((c >> 3) << 9) + (((c >> 2) & 1) << 4));
    const i = f32x4.convert_i32x4_s(i32x4.shr_s(i32x4.shl(lanes, shift), 24));
    v128.store(value + to, f32x4.mul(v128.load(vScale + to), i));
  }
}
