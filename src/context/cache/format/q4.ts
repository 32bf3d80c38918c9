/** q4: x = mean + step·(code − 15/2), code of 4 bits, for keys and values. Layouts: format.ts. */
import { lowBitFormat } from "./format.ts";

export const q4 = lowBitFormat({
  id: "q4",
  summary: "keys and values of 4 bits",
  source: "keys per channel: KIVI, arXiv 2402.02750; turned keys: QuaRot, arXiv 2404.00456",
  keys: { bits: 4, by: "channel" },
  values: { bits: 4, by: "channel" },
});
