// Elementwise work on rows of f32. One item is a row (or a token).
import { exp2x4, madd, sum4 } from "./simd";

/** out[r,:] = x[r,:] / sqrt(mean(x[r,:]²) + eps) · weight      D a multiple of 4; out may be x; with `add`, out += instead. */
export function rmsnorm(
  begin: i32,
  end: i32,
  scratch: usize,
  D: i32,
  x: usize,
  weight: usize,
  out: usize,
  eps: f32,
  add: bool,
): void {
  const rowBytes = (<usize>D) << 2;
  for (let r = begin; r < end; r++) {
    const from = x + <usize>r * rowBytes,
      to = out + <usize>r * rowBytes;
    let squares = f32x4.splat(0);
    for (let i: usize = 0; i < rowBytes; i += 16) {
      const v = v128.load(from + i);
      squares = madd(v, v, squares);
    }
    const scale = f32x4.splat(<f32>1 / sqrt<f32>(sum4(squares) / <f32>D + eps));
    for (let i: usize = 0; i < rowBytes; i += 16) {
      const v = f32x4.mul(f32x4.mul(v128.load(from + i), scale), v128.load(weight + i));
      v128.store(to + i, add ? f32x4.add(v128.load(to + i), v) : v);
    }
  }
}

/** Every row of x becomes `bias`, which a matmul then adds to. N a multiple of 4. */
export function fillRows(begin: i32, end: i32, scratch: usize, N: i32, bias: usize, x: usize): void {
  for (let r = begin; r < end; r++) memory.copy(x + ((<usize>r * N) << 2), bias, (<usize>N) << 2);
}

const LOG2_E: f32 = 1.4426950408889634;

/** 1 / (1 + e^-x) */
function sigmoid(x: v128): v128 {
  const e = exp2x4(f32x4.pmin(f32x4.splat(126), f32x4.mul(x, f32x4.splat(-LOG2_E))));
  return f32x4.div(f32x4.splat(1), f32x4.add(f32x4.splat(1), e));
}

/** gate[r,:] = silu(gate) · up,  silu(x) = x·sigmoid(x) */
export function siluMul(begin: i32, end: i32, scratch: usize, D: i32, gate: usize, up: usize): void {
  const last = (<usize>end * D) << 2;
  for (let i = (<usize>begin * D) << 2; i < last; i += 16) {
    const x = v128.load(gate + i);
    v128.store(gate + i, f32x4.mul(f32x4.mul(x, sigmoid(x)), v128.load(up + i)));
  }
}

/** gate[r,:] = gelu(gate) · up,  gelu(x) = x·sigmoid(2·√(2/π)·(x + 0.044715·x³)), the tanh form */
export function geluMul(begin: i32, end: i32, scratch: usize, D: i32, gate: usize, up: usize): void {
  const last = (<usize>end * D) << 2;
  for (let i = (<usize>begin * D) << 2; i < last; i += 16) {
    const x = v128.load(gate + i);
    const inner = madd(f32x4.mul(f32x4.splat(0.044715), f32x4.mul(x, x)), x, x);
    v128.store(
      gate + i,
      f32x4.mul(f32x4.mul(x, sigmoid(f32x4.mul(f32x4.splat(1.5957691216), inner))), v128.load(up + i)),
    );
  }
}

/**
 * Rotary positions in place. One item is a token: `heads` heads of D floats, the first `rotary` of which turn.
 * table: [tokens][rotary/2 cosines, rotary/2 sines]. Pairs are (m, m + rotary/2), or (2m, 2m + 1) if interleaved.
 */
export function rope(
  begin: i32,
  end: i32,
  scratch: usize,
  heads: i32,
  D: i32,
  rotary: i32,
  interleaved: bool,
  table: usize,
  x: usize,
): void {
  const pairs = <usize>(rotary >> 1);
  const distance: usize = interleaved ? 4 : pairs << 2;
  const step: usize = interleaved ? 8 : 4;
  for (let t = begin; t < end; t++) {
    const cosines = table + ((<usize>t * rotary) << 2);
    let head = x + ((<usize>t * heads * D) << 2);
    for (let h = 0; h < heads; h++, head += (<usize>D) << 2) {
      let at = head;
      for (let m: usize = 0; m < pairs; m++, at += step) {
        const c = load<f32>(cosines + (m << 2)),
          s = load<f32>(cosines + ((pairs + m) << 2));
        const a = load<f32>(at),
          b = load<f32>(at + distance);
        store<f32>(at, a * c - b * s);
        store<f32>(at + distance, b * c + a * s);
      }
    }
  }
}
