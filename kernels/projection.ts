// Reductions over many vectors of a head's size D: norms of what a matrix makes of them, and their sums and outer products.
import { madd } from "./simd";

/**
 * out[v] = Σ_r |M_r · x_v|^power, power 1 or 2. One item is a block of 16 vectors, which lie side by side in scratch while every row
 * of the matrix passes. x: [n][D], matrix: [R][D], out: [n]. Scratch: 68·D bytes.
 */
export function projectedNorms(
  begin: i32,
  end: i32,
  scratch: usize,
  n: i32,
  D: i32,
  x: usize,
  matrix: usize,
  R: i32,
  power: i32,
  out: usize,
): void {
  const rowBytes = (<usize>D) << 2;
  const block = scratch, // f32 [D][16]
    zeros = scratch + (rowBytes << 4); // the partner of an odd last row
  memory.fill(zeros, 0, rowBytes);
  for (let item = begin; item < end; item++) {
    const first = item << 4;
    const count = min(16, n - first);
    placeSideBySide(block, x + <usize>first * rowBytes, count, D);
    let s0 = f32x4.splat(0),
      s1 = f32x4.splat(0),
      s2 = f32x4.splat(0),
      s3 = f32x4.splat(0);
    for (let r = 0; r < R; r += 2) {
      let row = matrix + <usize>r * rowBytes,
        other = r + 1 < R ? row + rowBytes : zeros;
      let a0 = f32x4.splat(0),
        a1 = f32x4.splat(0),
        a2 = f32x4.splat(0),
        a3 = f32x4.splat(0),
        b0 = f32x4.splat(0),
        b1 = f32x4.splat(0),
        b2 = f32x4.splat(0),
        b3 = f32x4.splat(0);
      for (let at = block; at < zeros; at += 64, row += 4, other += 4) {
        const x0 = v128.load(at),
          x1 = v128.load(at, 16),
          x2 = v128.load(at, 32),
          x3 = v128.load(at, 48);
        let w = v128.load32_splat(row);
        a0 = madd(w, x0, a0);
        a1 = madd(w, x1, a1);
        a2 = madd(w, x2, a2);
        a3 = madd(w, x3, a3);
        w = v128.load32_splat(other);
        b0 = madd(w, x0, b0);
        b1 = madd(w, x1, b1);
        b2 = madd(w, x2, b2);
        b3 = madd(w, x3, b3);
      }
      s0 = f32x4.add(s0, f32x4.add(raised(a0, power), raised(b0, power)));
      s1 = f32x4.add(s1, f32x4.add(raised(a1, power), raised(b1, power)));
      s2 = f32x4.add(s2, f32x4.add(raised(a2, power), raised(b2, power)));
      s3 = f32x4.add(s3, f32x4.add(raised(a3, power), raised(b3, power)));
    }
    v128.store(block, s0);
    v128.store(block, s1, 16);
    v128.store(block, s2, 32);
    v128.store(block, s3, 48);
    memory.copy(out + ((<usize>first) << 2), block, (<usize>count) << 2);
  }
}

/** x: f32 [count][D] to f32 [D][16]. Lanes past the last vector keep what was there; nobody reads what becomes of them. */
function placeSideBySide(to: usize, x: usize, count: i32, D: i32): void {
  for (let v = 0; v < count; v++)
    for (let d = 0; d < D; d++, x += 4) store<f32>(to + ((<usize>d) << 6) + ((<usize>v) << 2), load<f32>(x));
}

function raised(a: v128, power: i32): v128 {
  return power == 1 ? f32x4.abs(a) : f32x4.mul(a, a);
}

/** Tokens that are widened to f64 at once. */
const RUN: i32 = 8;

/**
 * sums += q and products += q qᵀ over tokens [first, tokens). One item is a query head. q: f32 [tokens][heads][D], D a multiple of 4;
 * sums: f64 [heads][D]; products: f64 [heads][D][D], where row i is kept from column 4⌊i/4⌋ on. Every number is summed token by token, and a
 * product of two f32 is exact in f64, so neither the cut of tokens into calls nor the build changes a bit. Scratch: 64·D bytes.
 */
export function addOuterProducts(
  begin: i32,
  end: i32,
  scratch: usize,
  tokens: i32,
  first: i32,
  heads: i32,
  D: i32,
  q: usize,
  sums: usize,
  products: usize,
): void {
  const bytes = (<usize>D) << 3;
  for (let head = begin; head < end; head++) {
    const sum = sums + <usize>head * bytes,
      product = products + <usize>(head * D) * bytes;
    for (let t = first; t < tokens; t += RUN) {
      const runEnd = scratch + <usize>min(RUN, tokens - t) * bytes;
      let to = scratch;
      for (let token = t; to < runEnd; token++, to += bytes)
        addWidened(q + ((<usize>((token * heads + head) * D)) << 2), to, sum, bytes);
      for (let row: usize = 0; row < bytes; row += 32)
        for (let column = row; column < bytes; column += 32)
          addTile(product + row * <usize>D + column, scratch + row, scratch + column, runEnd, bytes);
    }
  }
}

/** One token's q as f64 at `to`, and added to the sums. */
function addWidened(q: usize, to: usize, sum: usize, bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += 16, q += 8) {
    const wide = f64x2.promote_low_f32x4(v128.load64_zero(q));
    v128.store(to + i, wide);
    v128.store(sum + i, f64x2.add(v128.load(sum + i), wide));
  }
}

/** 4 × 4 numbers of the products, in registers while the run's tokens pass. left, right: this tile's part of the first token. */
function addTile(product: usize, left: usize, right: usize, runEnd: usize, bytes: usize): void {
  const p1 = product + bytes,
    p2 = p1 + bytes,
    p3 = p2 + bytes;
  let f00 = v128.load(product),
    f01 = v128.load(product, 16),
    f10 = v128.load(p1),
    f11 = v128.load(p1, 16),
    f20 = v128.load(p2),
    f21 = v128.load(p2, 16),
    f30 = v128.load(p3),
    f31 = v128.load(p3, 16);
  for (; right < runEnd; left += bytes, right += bytes) {
    const r0 = v128.load(right),
      r1 = v128.load(right, 16);
    let v = v128.load64_splat(left);
    f00 = wideMadd(v, r0, f00);
    f01 = wideMadd(v, r1, f01);
    v = v128.load64_splat(left, 8);
    f10 = wideMadd(v, r0, f10);
    f11 = wideMadd(v, r1, f11);
    v = v128.load64_splat(left, 16);
    f20 = wideMadd(v, r0, f20);
    f21 = wideMadd(v, r1, f21);
    v = v128.load64_splat(left, 24);
    f30 = wideMadd(v, r0, f30);
    f31 = wideMadd(v, r1, f31);
  }
  v128.store(product, f00);
  v128.store(product, f01, 16);
  v128.store(p1, f10);
  v128.store(p1, f11, 16);
  v128.store(p2, f20);
  v128.store(p2, f21, 16);
  v128.store(p3, f30);
  v128.store(p3, f31, 16);
}

/** a·b + c in f64; the same bits fused or not where a·b is exact. */
function wideMadd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f64x2.relaxed_madd(a, b, c);
  return f64x2.add(f64x2.mul(a, b), c);
}
