/**
 * q8: key[c] = kScale[c]·(u7 − 64) + kMean[c], value[c] = vScale[c]·i8, scales per (page, channel), f32.
 * On models with a key bias (Qwen2.5) one scale per key would cost a hundred times the divergence.
 */
import { techniqueOptions } from "../../technique.ts";
import { defineFormat } from "./format.ts";

export const q8 = defineFormat({
  id: "q8",
  summary: "8 bits: keys with a scale and mean per page and channel, values with a scale",
  source: "keys per channel: KIVI, arXiv 2402.02750",
  options: techniqueOptions("q8", {}),
  pages: () => ({ first: "q8", rest: "q8" }),
});
