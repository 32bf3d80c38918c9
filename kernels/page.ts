// KV pages: 64 slots of one (layer, KV head), D = head size. Keys are stored after RoPE; empty slots have position EMPTY.
//
//   f32 page   position i32[64] | K f32 [D][64] | V f32 [64][D]
//   q8 page    position i32[64] | kScale f32[D] | kMean f32[D] | vScale f32[D]
//              | K u7 [8 groups of 8 keys][D/4][2][4 keys × 4 dims]        key[c] = kScale[c]·(u[c] − 64) + kMean[c]
//              | V i8 [D/8 groups of 8 dims][16][2][4 dims × 4 keys]       value[c] = vScale[c]·i[c]
//   low-bit    page-low.ts
//
// Scales per (page, channel): a model with a large key bias keeps its accuracy (docs/decisions).

/** Later than any query, so a causal mask hides empty slots. */
export const EMPTY: i32 = 0x7fffffff;

/** One item is a KV head; token t of `tokens` goes to slot (first + t) of the run of f32 pages that starts at pages[head·pagesPerHead]. */
export function appendKv(
  begin: i32,
  end: i32,
  scratch: usize,
  tokens: i32,
  D: i32,
  heads: i32,
  first: i32,
  k: usize,
  v: usize,
  positions: usize,
  pages: usize,
  pagesPerHead: i32,
): void {
  const rowBytes = (<usize>D) << 2;
  for (let head = begin; head < end; head++) {
    for (let t = 0; t < tokens; t++) {
      const slot = <usize>((first + t) & 63);
      const page = load<usize>(pages + ((<usize>(head * pagesPerHead + ((first + t) >> 6))) << 2)) & ~(<usize>3);
      if (slot == 0) for (let i: usize = 0; i < 64; i++) store<i32>(page + (i << 2), EMPTY);
      store<i32>(page + (slot << 2), load<i32>(positions + ((<usize>t) << 2)));
      const row = <usize>(t * heads + head) * rowBytes;
      const keys = page + 256 + (slot << 2);
      for (let c: usize = 0; c < <usize>D; c++) store<f32>(keys + (c << 8), load<f32>(k + row + (c << 2)));
      memory.copy(page + 256 + (rowBytes << 6) + slot * rowBytes, v + row, rowBytes);
    }
  }
}

/** Full f32 pages into q8 pages. One item is a pair of addresses (from, to) in `pairs`. */
export function sealPages(begin: i32, end: i32, scratch: usize, D: i32, pairs: usize): void {
  for (let item = begin; item < end; item++) {
    const from = load<usize>(pairs + ((<usize>item) << 3)) & ~(<usize>3),
      to = load<usize>(pairs + ((<usize>item) << 3), 4) & ~(<usize>3);
    memory.copy(to, from, 256);
    sealKeys(from + 256, to + 256, <usize>D);
    sealValues(
      from + 256 + ((<usize>D) << 8),
      to + 256 + ((<usize>D) << 3),
      to + 256 + <usize>D * 12 + ((<usize>D) << 6),
      <usize>D,
    );
  }
}

export function sealKeys(from: usize, scales: usize, D: usize): void {
  const out = scales + D * 12;
  for (let c: usize = 0; c < D; c++) {
    const channel = from + (c << 8);
    let low = load<f32>(channel),
      high = low;
    for (let i: usize = 4; i < 256; i += 4) {
      const x = load<f32>(channel + i);
      low = min(low, x);
      high = max(high, x);
    }
    const scale = (high - low) / 127;
    const inverse: f32 = scale > 0 ? <f32>1 / scale : 0;
    store<f32>(scales + (c << 2), scale);
    store<f32>(scales + ((D + c) << 2), low + <f32>64 * scale);
    for (let key: usize = 0; key < 64; key++) {
      const u = <i32>nearest((load<f32>(channel + (key << 2)) - low) * inverse);
      const at = (key >> 3) * (D << 3) + ((c >> 2) << 5) + (((key >> 2) & 1) << 4) + ((key & 3) << 2) + (c & 3);
      store<u8>(out + at, <u8>min(max(u, 0), 127));
    }
  }
}

function sealValues(from: usize, scales: usize, out: usize, D: usize): void {
  for (let c: usize = 0; c < D; c++) {
    let largest: f32 = 0;
    for (let key: usize = 0; key < 64; key++) largest = max(largest, abs(load<f32>(from + ((key * D + c) << 2))));
    store<f32>(scales + (c << 2), largest / 127);
    const inverse: f32 = largest > 0 ? <f32>127 / largest : 0;
    for (let key: usize = 0; key < 64; key++) {
      const i = <i32>nearest(load<f32>(from + ((key * D + c) << 2)) * inverse);
      const at = ((c >> 3) << 9) + ((key >> 2) << 5) + (((c >> 2) & 1) << 4) + ((c & 3) << 2) + (key & 3);
      store<i8>(out + at, <i8>i);
    }
  }
}
