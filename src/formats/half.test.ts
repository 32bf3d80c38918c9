import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../../test/support/random.ts";
import { bf16ToF32, f16ToF32, f32ToF16 } from "./half.ts";

const values = Array.from({ length: 0x7c00 }, (_, bits) => f16ToF32(bits));

test("f16ToF32 follows the definition for all 65,536 values", () => {
  for (let bits = 0; bits < 65536; bits++) {
    const text = bits.toString(2).padStart(16, "0");
    const exponent = Number.parseInt(text.slice(1, 6), 2);
    const fraction = Number.parseInt(text.slice(6), 2) / 1024;
    const sign = text[0] === "1" ? -1 : 1;
    const special = fraction === 0 ? sign * Infinity : NaN;
    const small = sign * 2 ** -14 * fraction;
    const expected = exponent === 31 ? special : exponent === 0 ? small : sign * 2 ** (exponent - 15) * (1 + fraction);
    assert.ok(Object.is(f16ToF32(bits), expected), `${text}: ${f16ToF32(bits)}, expected ${expected}`);
  }
});

test("f32ToF16 gives back every f16, and every NaN as the quiet one", () => {
  for (let bits = 0; bits < 65536; bits++) {
    const value = f16ToF32(bits);
    assert.equal(f32ToF16(value), Number.isNaN(value) ? 0x7e00 : bits);
  }
});

test("f32ToF16 rounds to the nearest, and half way between two neighbours to the even one, for both signs", () => {
  for (let bits = 0; bits + 1 < values.length; bits++) {
    const low = values[bits];
    const high = values[bits + 1];
    const middle = (low + high) / 2; // exact: one more bit than an f16
    const even = bits % 2 === 0 ? bits : bits + 1;
    for (const sign of [0, 0x8000]) {
      const signed = (value: number) => (sign ? -value : value);
      assert.equal(f32ToF16(signed(middle)), sign | even);
      assert.equal(f32ToF16(signed(middle - (high - low) / 1024)), sign | bits);
      assert.equal(f32ToF16(signed(middle + (high - low) / 1024)), sign | (bits + 1));
    }
  }
});

test("f32ToF16 at the edges: overflow from 65,520 on, underflow up to 2^-25", () => {
  assert.equal(f32ToF16(65519.996), 0x7bff);
  assert.equal(f32ToF16(65520), 0x7c00);
  assert.equal(f32ToF16(-1e38), 0xfc00);
  assert.equal(f32ToF16(Infinity), 0x7c00);
  assert.equal(f32ToF16(2 ** -25), 0);
  assert.equal(f32ToF16(2 ** -25 + 2 ** -40), 1);
  assert.equal(f32ToF16(-(2 ** -149)), 0x8000);
});

test("f32ToF16 is within half a unit of 100,000 random f32", () => {
  const next = random(1);
  for (let i = 0; i < 100_000; i++) {
    const value = Math.fround((next() - 0.5) * 2 ** Math.floor(next() * 36 - 20));
    const unit = Math.max(2 ** (Math.floor(Math.log2(Math.abs(value))) - 10), 2 ** -24);
    assert.ok(Math.abs(f16ToF32(f32ToF16(value)) - value) <= unit / 2, `${value}`);
  }
});

test("bf16ToF32 is the f32 with 16 zero bits appended, for all 65,536 values", () => {
  const bytes = new Uint32Array(1);
  for (let bits = 0; bits < 65536; bits++) {
    bytes[0] = bits * 65536;
    const expected = new Float32Array(bytes.buffer)[0];
    assert.ok(Object.is(bf16ToF32(bits), expected));
  }
});
