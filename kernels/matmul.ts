// C[M][N] (+)= A[M][K] · Wᵀ, W in panels of 8 outputs (panel.ts), A packed by pack-rows.ts. One item is one panel.
// The panel is unpacked once into scratch that stays in L1 and every row of A runs over it; long inputs go in pieces,
// and the pieces of a group of panels share the slice of A that they read.
import { blockBytes, I8, U4_MIN, U5_MIN } from "./panel";
import { row } from "./row";
import { tileFloat } from "./tile-float";
import { tileInt16 } from "./tile-int16";
import { tileInt8Bits4, tileInt8Bits5 } from "./tile-int8";
import { unpack } from "./unpack";

/** Blocks unpacked at once: about 16 KB of scratch, half of a small L1. */
function pieceBlocks(format: i32): i32 {
  return format <= U5_MIN ? 48 : format <= I8 ? 32 : 16;
}

/**
 * Products of the same rows with `count` matrices. The items are the panels of all of them, one after the other.
 * table, u32 each: firstItem | numPanels | format | panels | a | scales | c | ldc | accumulate | K
 */
export function matmuls(begin: i32, end: i32, scratch: usize, M: i32, table: usize, count: i32): void {
  for (let entry = table; entry < table + <usize>count * 40; entry += 40) {
    const first = load<i32>(entry);
    const from = max(begin - first, 0),
      to = min(end - first, load<i32>(entry, 4));
    if (from < to)
      matmul(
        from,
        to,
        scratch,
        load<i32>(entry, 8),
        M,
        load<i32>(entry, 36),
        load<usize>(entry, 12),
        load<usize>(entry, 16),
        load<usize>(entry, 20),
        load<usize>(entry, 24),
        load<usize>(entry, 28),
        load<i32>(entry, 32) != 0,
      );
  }
}

/** a, scales: as packed for the class of `format`; c: f32 rows of `ldc` bytes, M rounded up to 4 of them unless M = 1. */
function matmul(
  begin: i32,
  end: i32,
  scratch: usize,
  format: i32,
  M: i32,
  K: i32,
  panels: usize,
  a: usize,
  scales: usize,
  c: usize,
  ldc: usize,
  accumulate: bool,
): void {
  const blocks = K >> 5;
  const size = blockBytes(format);
  const panelBytes = <usize>blocks * size;
  if (M == 1) {
    for (let p = begin; p < end; p++)
      row(format, panels + <usize>p * panelBytes, blocks, scratch, a, scales, c + ((<usize>p) << 5), accumulate);
    return;
  }
  const piece = pieceBlocks(format);
  for (let b = 0; b < blocks; b += piece) {
    const count = min(piece, blocks - b);
    const add = accumulate || b > 0;
    for (let p = begin; p < end; p++) {
      const at = c + ((<usize>p) << 5);
      unpack(format, panels + <usize>p * panelBytes + <usize>b * size, count, scratch);
      if (format <= U5_MIN) {
        const x = a + ((<usize>b) << 7),
          s = scales + ((<usize>b) << 5);
        if (format <= U4_MIN)
          tileInt8Bits4(M, count, x, (<usize>K) << 2, s, (<usize>blocks) << 5, scratch, at, ldc, add);
        else tileInt8Bits5(M, count, x, (<usize>K) << 2, s, (<usize>blocks) << 5, scratch, at, ldc, add);
      } else if (format <= I8) {
        const x = a + ((<usize>b) << 8),
          s = scales + ((<usize>b) << 4);
        tileInt16(M, count, x, (<usize>K) << 3, s, (<usize>blocks) << 4, scratch, at, ldc, add);
      } else {
        const x = a + ((<usize>b) << 9);
        tileFloat(M, count, x, (<usize>K) << 4, scratch, at, ldc, add);
      }
    }
  }
}

/** Rows of W as f32: out[t][K] = factor · W[ids[t]]. One item is one token. Used for embeddings. */
export function embed(
  begin: i32,
  end: i32,
  scratch: usize,
  format: i32,
  K: i32,
  panels: usize,
  ids: usize,
  out: usize,
  factor: f32,
): void {
  const size = blockBytes(format);
  for (let t = begin; t < end; t++) {
    const id = load<i32>(ids + ((<usize>t) << 2));
    const column = <usize>(id & 7);
    let block = panels + <usize>(id >> 3) * <usize>(K >> 5) * size;
    let to = out + ((<usize>t * K) << 2);
    for (let b = 0; b < K; b += 32, block += size, to += 128) {
      unpack(format, block, 1, scratch);
      for (let i: usize = 0; i < 32; i++) store<f32>(to + (i << 2), factor * valueAt(format, scratch, column, i));
    }
  }
}

function valueAt(format: i32, w: usize, column: usize, i: usize): f32 {
  const four = ((column >> 2) << 4) | 0;
  if (format <= U5_MIN) {
    const q = <f32>load<u8>(w + ((i >> 2) << 5) + four + ((column & 3) << 2) + (i & 3));
    return load<f32>(w + (column << 2), 256) * q + load<f32>(w + (column << 2), 288);
  }
  if (format <= I8) {
    const q = <f32>load<i16>(w + ((i >> 1) << 5) + four + ((column & 3) << 2) + ((i & 1) << 1));
    return load<f32>(w + (column << 2), 512) * q;
  }
  return load<f32>(w + (i << 5) + (column << 2));
}
