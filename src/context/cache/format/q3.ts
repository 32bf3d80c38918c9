/** q3: x = mean + step·(code − 7/2), code of 3 bits, for keys and values. Layouts: format.ts. */
import { lowBitFormat } from "./format.ts";

export const q3 = lowBitFormat({
  id: "q3",
  summary: "keys and values of 3 bits",
  source: "keys per channel: KIVI, arXiv 2402.02750; turned keys: QuaRot, arXiv 2404.00456",
  keys: { bits: 3, by: "channel" },
  values: { bits: 3, by: "channel" },
});
