/** q2: x = mean + step·(code − 3/2), code of 2 bits, for keys and values. Layouts: format.ts. */
import { lowBitFormat } from "./format.ts";

export const q2 = lowBitFormat({
  id: "q2",
  summary: "keys and values of 2 bits",
  source: "keys per channel: KIVI, arXiv 2402.02750; turned keys: QuaRot, arXiv 2404.00456",
  keys: { bits: 2, by: "channel" },
  values: { bits: 2, by: "channel" },
});
