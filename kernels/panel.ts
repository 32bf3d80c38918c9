// Panel formats: how a weight matrix [outputs][inputs] lies in memory. A panel is 8 outputs (columns) of all inputs, cut into blocks
// of 32 inputs. A block holds the quants in "step" order, then its scales. Sizes are as in the file where the file has no finer scales.
//
//   quant order, 8 bits: [8 steps][2][4 columns × 4 inputs]        16 bits: [16 steps][2][4 columns × 2 inputs]
//   4 bits: nibble n of byte vector v holds quant vector v + 8n.
//   5 bits: columns 0..3 and 4..7 have 5 byte vectors each for their 8 steps. Vectors 0..4 hold steps 0..4 in their low bits; the upper
//   bits make the rest: step 5 from vectors 0 and 1, step 6 from 2 and 3, step 7 from 4 and the top bits of 1 and 3.
//   6 bits: the same with 6 byte vectors; step 6 from the upper bits of vectors 0..2, step 7 from those of 3..5.
//   So a column vector is unpacked from few live registers, with a third fewer operations than bit planes take.
//
// format     quants                                     scales of a block                                      bytes
// U4_ZERO    4 bits, q − 8           (Q4_0)             8 f16                                                  144
// U4_MIN     4 bits, scale·q + min   (Q4_1, Q4_K)       8 f16, 8 f16 mins                                      160
// U5_ZERO    5 bits, q − 16          (Q5_0)             8 f16                                                  176
// U5_MIN     5 bits, scale·q + min   (Q5_1, Q5_K)       8 f16, 8 f16 mins                                      192
// S4         4 bits, sub·(q − 4)     (Q3_K)             8 f16, i8 sub-scales [2 halves][8]                     160
// S6         6 bits, sub·(q − 32)    (Q6_K)             8 f16, i8 sub-scales [2 halves][8]                     224
// A2         2 bits, a·q − b         (Q2_K)             8 f16, i16 a and b [2 halves][8] each                  144
// I8         8 bits signed           (Q8_0)             8 f16                                                  272
// F16, BF16  16-bit floats [32][8]                      none                                                   512
// F32        f32 [32][8]                                none                                                   1024
export const U4_ZERO: i32 = 0;
export const U4_MIN: i32 = 1;
export const U5_ZERO: i32 = 2;
export const U5_MIN: i32 = 3;
export const S4: i32 = 4;
export const S6: i32 = 5;
export const A2: i32 = 6;
export const I8: i32 = 7;
export const F16: i32 = 8;
export const BF16: i32 = 9;
export const F32: i32 = 10;

export function blockBytes(format: i32): usize {
  if (format == U4_ZERO) return 144;
  if (format == U4_MIN || format == S4) return 160;
  if (format == U5_ZERO) return 176;
  if (format == U5_MIN) return 192;
  if (format == S6) return 224;
  if (format == A2) return 144;
  if (format == I8) return 272;
  if (format == F32) return 1024;
  return 512;
}
