// What stands for a page when pages are chosen for what is written (Quest, arXiv 2406.10774): of every run of `slots` keys the least and
// the greatest value of each channel, or the mean of all keys.
//
//   bounds   f32 [64 / slots][2][D]      Σ_c max(q[c]·least[c], q[c]·greatest[c]) ≥ q·k for every key of the run
//   mean     f32 [D]
//
// Values are those that the page holds, so bounds are exact. Slots without a token count as well: bounds stay bounds.
import { EMPTY } from "./page";
import { FLOAT_KEYS, unpackPage } from "./page-low-unpack";
import { sum4 } from "./simd";

/** One item is a pair in `pairs`, u32 each: an entry of a page list (attention.ts) and where its record goes. slots: 0 for the mean. */
export function indexPages(begin: i32, end: i32, scratch: usize, D: i32, slots: i32, pairs: usize): void {
  for (let item = begin; item < end; item++) {
    const entry = load<usize>(pairs + ((<usize>item) << 3)),
      to = load<usize>(pairs + ((<usize>item) << 3), 4),
      page = entry & ~(<usize>15);
    const unpacked = scratch + 128;
    let data = page,
      isFloat = (entry & 1) != 0;
    if (entry & 8) {
      isFloat = (unpackPage(scratch, page, unpacked, D) & FLOAT_KEYS) != 0;
      data = unpacked;
    }
    for (let c = 0; c < D; c++) {
      if (slots == 0) store<f32>(to + ((<usize>c) << 2), meanOf(page, data, isFloat, D, c));
      else
        for (let first = 0; first < 64; first += slots) {
          const at = to + ((<usize>((first / slots) * 2 * D + c)) << 2);
          boundsOf(data, isFloat, D, c, first, slots, at, at + ((<usize>D) << 2));
        }
    }
  }
}

function boundsOf(
  page: usize,
  isFloat: bool,
  D: i32,
  c: i32,
  first: i32,
  slots: i32,
  least: usize,
  greatest: usize,
): void {
  if (isFloat) {
    const channel = page + 256 + ((<usize>c) << 8);
    let low = load<f32>(channel + ((<usize>first) << 2)),
      high = low;
    for (let i = first + 1; i < first + slots; i++) {
      const value = load<f32>(channel + ((<usize>i) << 2));
      low = min(low, value);
      high = max(high, value);
    }
    store<f32>(least, low);
    store<f32>(greatest, high);
    return;
  }
  let low: i32 = 255,
    high: i32 = 0;
  for (let i = first; i < first + slots; i++) {
    const code = <i32>load<u8>(codeAt(page, D, c, i));
    low = min(low, code);
    high = max(high, code);
  }
  store<f32>(least, valueOf(page, D, c, low));
  store<f32>(greatest, valueOf(page, D, c, high));
}

function meanOf(page: usize, data: usize, isFloat: bool, D: i32, c: i32): f32 {
  let sum: f32 = 0,
    count: i32 = 0;
  for (let i = 0; i < 64; i++) {
    if (load<i32>(page + ((<usize>i) << 2)) == EMPTY) continue;
    count++;
    sum += isFloat
      ? load<f32>(data + 256 + ((<usize>c) << 8) + ((<usize>i) << 2))
      : valueOf(data, D, c, <i32>load<u8>(codeAt(data, D, c, i)));
  }
  return count > 0 ? sum / <f32>count : 0;
}

function codeAt(page: usize, D: i32, c: i32, key: i32): usize {
  const at = (key >> 3) * (D << 3) + ((c >> 2) << 5) + (((key >> 2) & 1) << 4) + ((key & 3) << 2) + (c & 3);
  return page + 256 + <usize>(D * 12 + at);
}

function valueOf(page: usize, D: i32, c: i32, code: i32): f32 {
  const scale = load<f32>(page + 256 + ((<usize>c) << 2)),
    mean = load<f32>(page + 256 + ((<usize>(D + c)) << 2));
  return scale * <f32>(code - 64) + mean;
}

/**
 * What rows give pages: f32 [rows][pages] from the item's `partial` on, row r the token r / group and its query head r % group; the greatest over
 * the page's runs. Items are those of attention.ts, but entries is where the records of numEntries pages stand in a row.
 * q: [tokens][heads][D] f32; runs: records of a page; halves: 2 for bounds, 1 for means; pages: of a row.
 */
export function scorePages(
  begin: i32,
  end: i32,
  scratch: usize,
  items: usize,
  q: usize,
  heads: i32,
  group: i32,
  D: i32,
  scale: f32,
  runs: i32,
  halves: i32,
  pages: i32,
): void {
  const width = (<usize>D) << 2;
  const other = halves == 2 ? width : 0;
  for (let index = begin; index < end; index++) {
    const item = items + ((<usize>index) << 5);
    const records = load<usize>(item),
      numPages = load<i32>(item, 4),
      first = load<i32>(item, 12),
      tokens = load<i32>(item, 16),
      kvHead = load<i32>(item, 20),
      out = load<usize>(item, 24);
    for (let r = 0; r < tokens * group; r++) {
      const row = q + <usize>((first + r / group) * heads + kvHead * group + (r % group)) * width;
      let record = records;
      for (let p = 0; p < numPages; p++) {
        let best: f32 = -Infinity;
        for (let run = 0; run < runs; run++) {
          let sum = f32x4.splat(0);
          for (let i: usize = 0; i < width; i += 16) {
            const x = v128.load(row + i);
            const a = f32x4.mul(x, v128.load(record + i)),
              b = f32x4.mul(x, v128.load(record + other + i));
            sum = f32x4.add(sum, f32x4.pmax(a, b));
          }
          best = max(best, sum4(sum));
          record += width * <usize>halves;
        }
        store<f32>(out + ((<usize>(r * pages + p)) << 2), best * scale);
      }
    }
  }
}
