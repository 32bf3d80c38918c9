/**
 * k8v4: keys of q8's accuracy, values of 4 bits. Errors of keys move softmax weights, errors of values average out under them, so
 * values are the half to save on first.
 */
import { lowBitFormat } from "./format.ts";

export const k8v4 = lowBitFormat({
  id: "k8v4",
  summary: "keys of 8 bits, values of 4",
  source: "KVQuant, arXiv 2401.18079; KIVI, arXiv 2402.02750",
  keys: { bits: 8, by: "channel" },
  values: { bits: 4, by: "channel" },
});
