// Column sums of attention: how much of the softmax every slot gets from the rows of an item (tokens × query heads of the group).
//
//   column[slot] = Σ_rows softmax(row)[slot]      or the most that any row gives it
//
// Items, entries, zones and positions are those of attention.ts, but `partial` is where the columns go: f32 [numEntries + 1][64],
// one block per entry and one for the own page, 0 for what no row sees. The pages are read twice: a slot's weight is known
// only when the row's maximum and sum over all pages are. A further word of an item, if not 0, is where sums along diagonals go,
// which the caller has filled with zeros: f32 [64 · (numEntries + 1) + 64], slot s of entry e seen by token t adds to 64e + s + 63 − t.
import { BATCH_BYTES, BATCH_ROWS, BATCH_SCORES, MASKED, maskScores, softmaxPage } from "./attention-batch";
import { scoresFloat } from "./attention-float";
import { scoresInt8 } from "./attention-int8";
import { EMPTY } from "./page";
import { FLOAT_KEYS, unpackPage } from "./page-low-unpack";
import { exp2x4 } from "./simd";

/** A weight below 2^-100 of the row's largest is 0. Masked slots are, and no product with the inverse sum is subnormal. */
const LEAST: f32 = -100;

/** q: [tokens][heads][D] f32, D a multiple of 16; positions: i32 [tokens]; scale: 1/√D · log2(e); maximum: over rows, not their sum. */
export function attentionColumns(
  begin: i32,
  end: i32,
  scratch: usize,
  items: usize,
  q: usize,
  positions: usize,
  heads: i32,
  group: i32,
  D: i32,
  scale: f32,
  zones: usize,
  maximum: bool,
): void {
  for (let index = begin; index < end; index++) {
    const item = items + ((<usize>index) << 5);
    const entries = load<usize>(item);
    const numEntries = load<i32>(item, 4);
    const own = load<usize>(item, 8);
    const first = load<i32>(item, 12);
    const tokens = load<i32>(item, 16);
    const kvHead = load<i32>(item, 20);
    const columns = load<usize>(item, 24),
      diagonals = load<usize>(item, 28);

    const rows = (tokens * group + 3) & ~3;
    const rowBytes = (<usize>rows) << 2;
    const m = scratch + BATCH_BYTES,
      l = m + rowBytes,
      addresses = l + rowBytes,
      rowPositions = addresses + rowBytes,
      unpacked = rowPositions + rowBytes;
    // Row r is token r % tokens, head r / tokens; rows past the last repeat it and get no share at the end.
    let earliest: i32 = i32.MAX_VALUE,
      latest: i32 = i32.MIN_VALUE;
    for (let r = 0; r < rows; r++) {
      const row = min(r, tokens * group - 1);
      const token = first + (row % tokens);
      const at = (<usize>r) << 2;
      const position = load<i32>(positions + ((<usize>token) << 2));
      store<i32>(rowPositions + at, position);
      store<usize>(addresses + at, q + ((<usize>((token * heads + kvHead * group + row / tokens) * D)) << 2));
      store<f32>(m + at, MASKED);
      store<f32>(l + at, 0);
      earliest = min(earliest, position);
      latest = max(latest, position);
    }

    memory.fill(columns, 0, (<usize>(numEntries + 1)) << 8);
    for (let pass = 0; pass < 2; pass++) {
      for (let e = 0; e <= numEntries; e++) {
        const entry = e < numEntries ? load<usize>(entries + ((<usize>e) << 2)) : own | 1;
        const page = entry & ~(<usize>15);
        if (page == 0) continue;
        const zone = zones + ((entry & 6) << 3);
        const seen = pageSeen(page, zone, earliest, latest);
        if (seen == NONE) continue;
        const isLow = (entry & 8) != 0;
        const data = isLow ? unpacked : page;
        const floats = isLow ? unpackPage(scratch, page, data, D) : entry & 1 ? FLOAT_KEYS : 0;
        const queryOffset = i32x4.splat(load<i32>(zone));
        for (let at: usize = 0; at < rowBytes; at += 16) {
          const rowsAt = scratch + BATCH_ROWS;
          v128.store(rowsAt, i32x4.add(v128.load(addresses + at), queryOffset));
          if (floats & FLOAT_KEYS) scoresFloat(scratch, rowsAt, data, D, scale);
          else scoresInt8(scratch, rowsAt, data, D, scale);
          if (seen == SOME) maskScores(scratch, rowPositions + at, page, zone);
          // Weights as f32, for q8 pages too: these weights are the result.
          if (pass == 0) softmaxPage(scratch, m + at, l + at, false);
          else {
            addColumns(scratch, m + at, l + at, columns + ((<usize>e) << 8), maximum);
            if (diagonals) addDiagonals(scratch, m + at, l + at, diagonals + ((<usize>e) << 8), at >> 2, tokens);
          }
        }
      }
      if (pass == 0) invertSums(m, l, tokens * group, rows);
    }
  }
}

const NONE = 0;
const SOME = 1;
const ALL = 2;

/** Whether rows at positions earliest to latest see slots of the page in this zone: all rows all slots, some, or none any. */
function pageSeen(page: usize, zone: usize, earliest: i32, latest: i32): i32 {
  const nearest = load<i32>(zone, 4),
    farthest = load<i32>(zone, 8),
    keyEnd = load<i32>(zone, 12);
  const end = i32x4.splat(keyEnd > 0 ? keyEnd : EMPTY);
  // Seen by a row: first < position ≤ last. The widest range of all rows, and the one that they have in common.
  const anyLast = i32x4.splat(latest - nearest),
    allLast = i32x4.splat(earliest - nearest);
  const anyFirst = i32x4.splat(farthest > 0 ? earliest - farthest : i32.MIN_VALUE),
    allFirst = i32x4.splat(farthest > 0 ? latest - farthest : i32.MIN_VALUE);
  let any = i32x4.splat(0),
    all = i32x4.splat(-1);
  for (let i: usize = 0; i < 256; i += 16) {
    const at = v128.load(page + i);
    const open = i32x4.lt_s(at, end);
    any = v128.or(any, v128.and(open, v128.and(i32x4.le_s(at, anyLast), i32x4.gt_s(at, anyFirst))));
    all = v128.and(all, v128.and(open, v128.and(i32x4.le_s(at, allLast), i32x4.gt_s(at, allFirst))));
  }
  if (i32x4.all_true(all)) return ALL;
  return v128.any_true(any) ? SOME : NONE;
}

/** Sums of weights become the factors of the second pass: 0 for rows that saw nothing and for those that fill the last batch. */
function invertSums(m: usize, l: usize, used: i32, rows: i32): void {
  for (let r = 0; r < rows; r++) {
    const at = (<usize>r) << 2;
    const counts = r < used && load<f32>(m + at) > MASKED / 10;
    store<f32>(l + at, counts ? <f32>1 / load<f32>(l + at) : 0);
  }
}

/** columns[slot] gets 2^(score − m)·inverse of 4 rows. */
function addColumns(batch: usize, m: usize, inverses: usize, columns: usize, maximum: bool): void {
  for (let r: usize = 0; r < 4; r++) {
    const row = batch + BATCH_SCORES + (r << 8);
    const base = v128.load32_splat(m + (r << 2)),
      inverse = v128.load32_splat(inverses + (r << 2));
    for (let i: usize = 0; i < 256; i += 16) {
      const below = f32x4.sub(v128.load(row + i), base);
      const kept = f32x4.gt(below, f32x4.splat(LEAST));
      const share = v128.and(f32x4.mul(exp2x4(below), inverse), kept);
      const column = v128.load(columns + i);
      v128.store(columns + i, maximum ? f32x4.pmax(column, share) : f32x4.add(column, share));
    }
  }
}

/** The same weights by how far a key stands from the end of the tokens, for 4 rows from `row` on. */
function addDiagonals(batch: usize, m: usize, inverses: usize, diagonals: usize, row: usize, tokens: i32): void {
  for (let r: usize = 0; r < 4; r++) {
    const scores = batch + BATCH_SCORES + (r << 8);
    const base = v128.load32_splat(m + (r << 2)),
      inverse = v128.load32_splat(inverses + (r << 2));
    const to = diagonals + ((63 - ((row + r) % <usize>tokens)) << 2);
    for (let i: usize = 0; i < 256; i += 16) {
      const below = f32x4.sub(v128.load(scores + i), base);
      const kept = f32x4.gt(below, f32x4.splat(LEAST));
      const share = v128.and(f32x4.mul(exp2x4(below), inverse), kept);
      v128.store(to + i, f32x4.add(v128.load(to + i), share));
    }
  }
}
