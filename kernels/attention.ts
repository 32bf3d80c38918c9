// Segmented attention with an online softmax. An item is one KV head, a tile of query tokens and a list of pages:
// every page is read once for all rows of the tile (tokens × query heads of the group).
//
//   item, u32 each: entries | numEntries | own | firstToken | numTokens | kvHead | partial
//
// entries: page addresses, bit 0 set for f32 pages, bits 1 and 2 the zone (0 to 3) that the page is seen in, bit 3 for low-bit pages
// (page-low.ts), which are unpacked once for all rows. own: the f32 page that the tile's tokens sit in, or 0: a query sees its own page
// unquantised and earlier pages sealed, so results do not depend on how a prompt was cut into chunks.
// A zone is a part of the past that sees the query turned to another position (re-indexed positions), or all of it. Zone z, 16 bytes
// at zones + 16 z: queryOffset | nearest | farthest | keyEnd. Its queries stand queryOffset bytes behind q; a query at i sees its key
// at j if nearest ≤ i − j < farthest (0: no limit) and j < keyEnd (0: no limit). Zones of one query must not overlap.
//
// partial: 0 to write finished rows to `out`, or where to leave [rows][D] sums, maxima [rows], sums of weights [rows] for mergePartials.
import {
  BATCH_BYTES,
  BATCH_KEEP,
  BATCH_ROWS,
  BATCH_SUMS,
  BATCH_TAKE,
  MASKED,
  maskScores,
  softmaxPage,
} from "./attention-batch";
import { scoresFloat, valuesFloat } from "./attention-float";
import { scoresInt8, valuesInt8 } from "./attention-int8";
import { addMeans, FLOAT_KEYS, FLOAT_VALUES, meansOf, unpackPage } from "./page-low-unpack";
import { exp2x4 } from "./simd";

/** q, out: [tokens][heads][D] f32; positions: i32 [tokens]; scale: 1/√D · log2(e). */
export function attention(
  begin: i32,
  end: i32,
  scratch: usize,
  items: usize,
  q: usize,
  positions: usize,
  out: usize,
  heads: i32,
  group: i32,
  D: i32,
  scale: f32,
  zones: usize,
): void {
  for (let index = begin; index < end; index++) {
    const item = items + ((<usize>index) << 5);
    const entries = load<usize>(item);
    const numEntries = load<i32>(item, 4);
    const own = load<usize>(item, 8);
    const first = load<i32>(item, 12);
    const tokens = load<i32>(item, 16);
    const kvHead = load<i32>(item, 20);
    const partial = load<usize>(item, 24);

    const rows = (tokens * group + 3) & ~3;
    const rowBytes = (<usize>rows) << 2;
    const m = scratch + BATCH_BYTES,
      l = m + rowBytes,
      addresses = l + rowBytes,
      rowPositions = addresses + rowBytes,
      sums = rowPositions + rowBytes,
      unpacked = sums + rowBytes * <usize>D;
    for (let r: usize = 0; r < rowBytes; r += 4) store<f32>(m + r, MASKED);
    memory.fill(l, 0, rowBytes);
    memory.fill(sums, 0, rowBytes * <usize>D);
    // Row r is token r % tokens, head r / tokens; rows past the last repeat it and are dropped at the end.
    let earliest: i32 = i32.MAX_VALUE,
      latest: i32 = i32.MIN_VALUE;
    for (let r = 0; r < rows; r++) {
      const row = min(r, tokens * group - 1);
      const token = first + (row % tokens);
      const position = load<i32>(positions + ((<usize>token) << 2));
      store<i32>(rowPositions + ((<usize>r) << 2), position);
      store<usize>(
        addresses + ((<usize>r) << 2),
        q + ((<usize>((token * heads + kvHead * group + row / tokens) * D)) << 2),
      );
      earliest = min(earliest, position);
      latest = max(latest, position);
    }

    for (let e = 0; e <= numEntries; e++) {
      const entry = e < numEntries ? load<usize>(entries + ((<usize>e) << 2)) : own | 1;
      const page = entry & ~(<usize>15);
      if (page == 0) continue;
      const zone = zones + ((entry & 6) << 3);
      const queryOffset = load<i32>(zone),
        nearest = load<i32>(zone, 4),
        farthest = load<i32>(zone, 8),
        keyEnd = load<i32>(zone, 12);
      let lowest = v128.load(page),
        highest = lowest;
      for (let i: usize = 16; i < 256; i += 16) {
        const four = v128.load(page + i);
        lowest = i32x4.min_s(lowest, four);
        highest = i32x4.max_s(highest, four);
      }
      const low = min4(lowest),
        high = max4(highest);
      if (low > latest - nearest || (farthest > 0 && high <= earliest - farthest)) continue;
      if (keyEnd > 0 && low >= keyEnd) continue;
      const masked =
        high > earliest - nearest || (farthest > 0 && low <= latest - farthest) || (keyEnd > 0 && high >= keyEnd);
      const isLow = (entry & 8) != 0;
      const data = isLow ? unpacked : page;
      const floats = isLow ? unpackPage(scratch, page, data, D) : entry & 1 ? FLOAT_KEYS | FLOAT_VALUES : 0;
      for (let at: usize = 0; at < rowBytes; at += 16) {
        const to = sums + at * <usize>D;
        let rowsAt = addresses + at;
        if (queryOffset != 0) {
          v128.store(scratch + BATCH_ROWS, i32x4.add(v128.load(rowsAt), i32x4.splat(queryOffset)));
          rowsAt = scratch + BATCH_ROWS;
        }
        if (floats & FLOAT_KEYS) scoresFloat(scratch, rowsAt, data, D, scale);
        else scoresInt8(scratch, rowsAt, data, D, scale);
        if (masked) maskScores(scratch, rowPositions + at, page, zone);
        softmaxPage(scratch, m + at, l + at, (floats & FLOAT_VALUES) == 0);
        if (floats & FLOAT_VALUES) valuesFloat(scratch, data, D, to, scratch + BATCH_KEEP, scratch + BATCH_TAKE);
        else {
          valuesInt8(scratch, data, D, to, scratch + BATCH_KEEP, scratch + BATCH_TAKE);
          if (isLow) addMeans(meansOf(data, D), D, to, scratch + BATCH_SUMS);
        }
      }
    }

    if (partial) {
      memory.copy(partial, sums, (<usize>rows * D) << 2);
      memory.copy(partial + ((<usize>rows * D) << 2), m, (<usize>rows) << 3);
    } else {
      for (let r = 0; r < tokens * group; r++) {
        const row = out + ((<usize>(((first + (r % tokens)) * heads + kvHead * group + r / tokens) * D)) << 2);
        const weight = load<f32>(l + ((<usize>r) << 2));
        const inverse: f32 = load<f32>(m + ((<usize>r) << 2)) > MASKED / 10 ? <f32>1 / weight : 0;
        scaleInto(row, sums + ((<usize>r * D) << 2), D, inverse);
      }
    }
  }
}

function min4(v: v128): i32 {
  return min(
    min(i32x4.extract_lane(v, 0), i32x4.extract_lane(v, 1)),
    min(i32x4.extract_lane(v, 2), i32x4.extract_lane(v, 3)),
  );
}

function max4(v: v128): i32 {
  return max(
    max(i32x4.extract_lane(v, 0), i32x4.extract_lane(v, 1)),
    max(i32x4.extract_lane(v, 2), i32x4.extract_lane(v, 3)),
  );
}

function scaleInto(to: usize, from: usize, D: i32, factor: f32): void {
  for (let i: usize = 0; i < (<usize>D) << 2; i += 16)
    v128.store(to + i, f32x4.mul(v128.load(from + i), f32x4.splat(factor)));
}

/**
 * Joins the partial results of one KV head by log-sum-exp. An item is a KV head; its partials are `splits` blocks of `stride` bytes.
 * out: [tokens][heads][D].
 */
export function mergePartials(
  begin: i32,
  end: i32,
  scratch: usize,
  partials: usize,
  splits: i32,
  stride: usize,
  out: usize,
  tokens: i32,
  heads: i32,
  group: i32,
  D: i32,
): void {
  const rows = (tokens * group + 3) & ~3;
  for (let kvHead = begin; kvHead < end; kvHead++) {
    const base = partials + <usize>(kvHead * splits) * stride;
    for (let r = 0; r < tokens * group; r++) {
      const to = out + ((<usize>(((r % tokens) * heads + kvHead * group + r / tokens) * D)) << 2);
      const maxima = ((<usize>rows * D) << 2) + ((<usize>r) << 2);
      let maximum: f32 = MASKED;
      for (let s = 0; s < splits; s++) maximum = max(maximum, load<f32>(base + <usize>s * stride + maxima));
      memory.fill(to, 0, (<usize>D) << 2);
      let total: f32 = 0;
      for (let s = 0; s < splits; s++) {
        const part = base + <usize>s * stride;
        const own = load<f32>(part + maxima);
        if (own <= MASKED / 10) continue;
        const factor = exp2x4(f32x4.splat(own - maximum));
        total += f32x4.extract_lane(factor, 0) * load<f32>(part + maxima + ((<usize>rows) << 2));
        for (let i: usize = 0; i < (<usize>D) << 2; i += 16) {
          const sum = v128.load(part + ((<usize>r * D) << 2) + i);
          v128.store(to + i, f32x4.add(v128.load(to + i), f32x4.mul(sum, factor)));
        }
      }
      if (total > 0) scaleInto(to, to, D, <f32>1 / total);
    }
  }
}
