/**
 * kivi: 2-bit keys with a scale per channel, 2-bit values with a scale per token and 32 channels; asymmetric, from the least to
 * the greatest of a group.
 *
 * Liu et al. 2024, arXiv 2402.02750. A group of keys is a page of 64 tokens here, 32 there; what stays exact is the open page and,
 * in 8 bits, the first, where the paper keeps the last 128 tokens.
 */
import { lowBitFormat } from "./format.ts";

export const kivi = lowBitFormat({
  id: "kivi",
  summary: "2 bits: keys per channel, values per token",
  source: "Liu et al. 2024, arXiv 2402.02750",
  keys: { bits: 2, by: "channel" },
  values: { bits: 2, by: "token" },
});
