// Attention of four tokens of a block of 64, tokens 7, 23, 39 and 55, to every page, as it is with all of them seen:
//
//   mass[page] = mean over the four and the query heads of the group of Σ_{slot in page} softmax(q·k · scale)[slot]
//
// Items are those of attention.ts: 64 tokens, entries up to and with their own sealed page; `partial` is where the masses go,
// f32 [numEntries]. work: workBytes for every item (blockMassesBytes() in src/ops/block-masses.ts).
import { BATCH_ROWS, BATCH_SCORES, MASKED } from "./attention-batch";
import { scoresInt8 } from "./attention-int8";
import { asInt8, shares } from "./block-masses";
import { exp2x4, max4, sum4 } from "./simd";

/** Tokens of a block for one that is asked; the first of them is FIRST. */
const EVERY = 16;
const FIRST = 7;
const ROWS = 4;

/** q: [tokens][heads][D] f32; scale: 1/√D · log2(e). */
export function rowMasses(
  begin: i32,
  end: i32,
  scratch: usize,
  items: usize,
  q: usize,
  heads: i32,
  group: i32,
  D: i32,
  scale: f32,
  work: usize,
  workBytes: usize,
): void {
  const rowBytes = (<usize>(group * ROWS)) << 2;
  for (let index = begin; index < end; index++) {
    const item = items + ((<usize>index) << 5);
    const entries = load<usize>(item),
      numEntries = load<i32>(item, 4),
      first = load<i32>(item, 12),
      kvHead = load<i32>(item, 20),
      masses = load<usize>(item, 24);
    const maxima = work + <usize>index * workBytes,
      weights = maxima + <usize>numEntries * rowBytes;
    for (let e = 0; e < numEntries; e++) {
      const page = asInt8(scratch, load<usize>(entries + ((<usize>e) << 2)), D);
      const at = <usize>e * rowBytes;
      for (let h = 0; h < group; h++) {
        for (let r = 0; r < ROWS; r++) {
          const token = first + FIRST + r * EVERY;
          const row = q + ((<usize>((token * heads + kvHead * group + h) * D)) << 2);
          store<usize>(scratch + BATCH_ROWS + ((<usize>r) << 2), row);
        }
        scoresInt8(scratch, scratch + BATCH_ROWS, page, D, scale);
        if (e == numEntries - 1) maskLater(scratch + BATCH_SCORES);
        softmaxRows(scratch + BATCH_SCORES, maxima + at + ((<usize>h) << 4), weights + at + ((<usize>h) << 4));
      }
    }
    shares(maxima, weights, numEntries, rowBytes, <f32>1 / <f32>(group * ROWS), masses);
  }
}

/** The block's own page: no token sees those behind it. scores: f32 [4][64]. */
function maskLater(scores: usize): void {
  for (let r = 0; r < ROWS; r++)
    for (let slot = FIRST + r * EVERY + 1; slot < 64; slot++)
      store<f32>(scores + ((<usize>((r << 6) + slot)) << 2), MASKED);
}

/** Of each row of f32 [4][64] its greatest score, and the sum of their powers of 2 relative to it: f32 [4] each. */
function softmaxRows(scores: usize, m: usize, l: usize): void {
  for (let r: usize = 0; r < <usize>ROWS; r++) {
    const row = scores + (r << 8);
    let largest = v128.load(row);
    for (let i: usize = 16; i < 256; i += 16) largest = f32x4.pmax(largest, v128.load(row + i));
    const maximum = max4(largest);
    const four = f32x4.splat(maximum);
    let sum = f32x4.splat(0);
    for (let i: usize = 0; i < 256; i += 16) sum = f32x4.add(sum, exp2x4(f32x4.sub(v128.load(row + i), four)));
    store<f32>(m + (r << 2), maximum);
    store<f32>(l + (r << 2), sum4(sum));
  }
}
