// A panel's blocks into the form that a tile multiplies (see panel.ts for the packed and tile-*.ts for the unpacked layouts).
import { A2, BF16, blockBytes, F16, F32, I8, S4, S6, U4_MIN, U4_ZERO, U5_MIN, U5_ZERO } from "./panel";
import { LOW_5, LOW_6, lastFive, mask, spreadFive, spreadSix } from "./odd-bits";
import { halfToFloat, scaleToFloat } from "./simd";
import { UNPACKED_INT16_BYTES } from "./tile-int16";
import { UNPACKED_INT8_BYTES } from "./tile-int8";

/** `blocks` blocks at `panel` into `out`. */
export function unpack(format: i32, panel: usize, blocks: i32, out: usize): void {
  const size = blockBytes(format);
  const end = panel + <usize>blocks * size;
  if (format <= U5_MIN) {
    for (; panel < end; panel += size, out += UNPACKED_INT8_BYTES) {
      if (format <= U4_MIN) nibbles(panel, out);
      else fiveBits(panel, out);
      const scales = panel + (format <= U4_MIN ? 128 : 160);
      const s0 = halves(scales, 0),
        s1 = halves(scales, 8);
      v128.store(out, s0, 256);
      v128.store(out, s1, 272);
      if (format == U4_MIN || format == U5_MIN) {
        v128.store(out, halves(scales, 16), 288);
        v128.store(out, halves(scales, 24), 304);
      } else {
        const zero = f32x4.splat(format == U4_ZERO ? -8 : -16);
        v128.store(out, f32x4.mul(zero, s0), 288);
        v128.store(out, f32x4.mul(zero, s1), 304);
      }
    }
  } else if (format <= I8) {
    for (; panel < end; panel += size, out += UNPACKED_INT16_BYTES) {
      const scales = panel + size;
      if (format == I8) signedBytes(panel, out);
      else if (format == S6) sixBits(panel, out);
      else if (format == S4) fourBitsScaled(panel, out);
      else twoBits(panel, out);
      const at = format == I8 ? panel + 256 : format == S6 ? panel + 192 : format == S4 ? panel + 128 : panel + 64;
      v128.store(out, halves(at, 0), 512);
      v128.store(out, halves(at, 8), 528);
    }
  } else floats(format, panel, blocks, out);
}

function halves(address: usize, offset: usize): v128 {
  return scaleToFloat(v128.load16x4_s(address + offset));
}

function nibbles(p: usize, out: usize): void {
  const low = i8x16.splat(15);
  for (let v: usize = 0; v < 128; v += 16) {
    const q = v128.load(p + v);
    v128.store(out + v, v128.and(q, low));
    v128.store(out + v, v128.and(i16x8.shr_u(q, 4), low), 128);
  }
}

function fiveBits(p: usize, out: usize): void {
  const low = mask(LOW_5);
  for (let half: usize = 0; half < 2; half++, p += 80, out += 16) {
    const b1 = v128.load(p, 16),
      b3 = v128.load(p, 48);
    for (let s: usize = 0; s < 5; s++) v128.store(out + (s << 5), v128.and(v128.load(p + (s << 4)), low));
    v128.store(out, spreadFive(v128.load(p), b1), 160);
    v128.store(out, spreadFive(v128.load(p, 32), b3), 192);
    v128.store(out, lastFive(v128.load(p, 64), b1, b3), 224);
  }
}

/** Sub-scales of four columns, doubled for the two inputs of each: [s0 s0 s1 s1 s2 s2 s3 s3]. */
function pairScales(bytes: v128): v128 {
  return i16x8.extend_low_i8x16_s(i8x16.shuffle(bytes, bytes, 0, 0, 1, 1, 2, 2, 3, 3, 0, 0, 1, 1, 2, 2, 3, 3));
}

/** Sixteen quants (bytes, 4 inputs of 4 columns) become two steps of i16: (q − zero)·sub. */
function storeScaled(q: v128, zero: v128, sub: v128, out: usize): void {
  v128.store(out, i16x8.mul(i16x8.sub(i16x8.extend_low_i8x16_u(q), zero), sub));
  v128.store(out, i16x8.mul(i16x8.sub(i16x8.extend_high_i8x16_u(q), zero), sub), 32);
}

function sixBits(p: usize, out: usize): void {
  const low = mask(LOW_6),
    zero = i16x8.splat(32);
  for (let half: usize = 0; half < 2; half++) {
    const quants = p + half * 96;
    for (let s: usize = 0; s < 8; s++) {
      const rest = quants + (s - 6) * 48;
      const q =
        s < 6
          ? v128.and(v128.load(quants + (s << 4)), low)
          : spreadSix(v128.load(rest), v128.load(rest, 16), v128.load(rest, 32));
      // Steps 0..3 and 4..7 have their own sub-scales.
      storeScaled(
        q,
        zero,
        pairScales(v128.load32_splat(p + 208 + ((s >> 2) << 3) + (half << 2))),
        out + (s << 6) + (half << 4),
      );
    }
  }
}

function fourBitsScaled(p: usize, out: usize): void {
  const low = i8x16.splat(15),
    zero = i16x8.splat(4);
  for (let v: usize = 0; v < 8; v++) {
    const q = v128.load(p + (v << 4));
    const column = (v & 1) << 2;
    const to = out + ((v >> 1) << 6) + ((v & 1) << 4);
    storeScaled(v128.and(q, low), zero, pairScales(v128.load32_splat(p + 144 + column)), to);
    storeScaled(v128.and(i16x8.shr_u(q, 4), low), zero, pairScales(v128.load32_splat(p + 152 + column)), to + 256);
  }
}

/** a·q − b for sixteen quants; a and b are i16 of four columns. */
function storeAffine(q: v128, factors: usize, out: usize): void {
  const a4 = v128.load64_zero(factors),
    b4 = v128.load64_zero(factors + 32);
  const a = i8x16.shuffle(a4, a4, 0, 1, 0, 1, 2, 3, 2, 3, 4, 5, 4, 5, 6, 7, 6, 7);
  const b = i8x16.shuffle(b4, b4, 0, 1, 0, 1, 2, 3, 2, 3, 4, 5, 4, 5, 6, 7, 6, 7);
  v128.store(out, i16x8.sub(i16x8.mul(i16x8.extend_low_i8x16_u(q), a), b));
  v128.store(out, i16x8.sub(i16x8.mul(i16x8.extend_high_i8x16_u(q), a), b), 32);
}

function twoBits(p: usize, out: usize): void {
  const low = i8x16.splat(3);
  for (let v: usize = 0; v < 16; v++) {
    // Quant vector v sits in byte vector v & 3 at bit 2·(v >> 2).
    const q = v128.and(i16x8.shr_u(v128.load(p + ((v & 3) << 4)), <i32>((v >> 2) << 1)), low);
    storeAffine(q, p + 80 + ((v >> 3) << 4) + ((v & 1) << 3), out + ((v >> 1) << 6) + ((v & 1) << 4));
  }
}

function signedBytes(p: usize, out: usize): void {
  for (let v: usize = 0; v < 16; v++) {
    const q = v128.load(p + (v << 4));
    const to = out + ((v >> 1) << 6) + ((v & 1) << 4);
    v128.store(to, i16x8.extend_low_i8x16_s(q));
    v128.store(to, i16x8.extend_high_i8x16_s(q), 32);
  }
}

function floats(format: i32, p: usize, blocks: i32, out: usize): void {
  const end = out + ((<usize>blocks) << 10);
  if (format == F32) memory.copy(out, p, (<usize>blocks) << 10);
  else if (format == F16) for (; out < end; out += 16, p += 8) v128.store(out, halfToFloat(v128.load16x4_s(p)));
  else if (format == BF16) for (; out < end; out += 16, p += 8) v128.store(out, i32x4.shl(v128.load16x4_u(p), 16));
}
