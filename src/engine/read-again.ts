/** The calling side of a second reading: a text is repeated part by part behind itself, and thrown away again. */
import { repeatParts } from "../context/cache/score/kvzip.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { ControllerMethods } from "./controller-methods.ts";
import type { Caller } from "./rpc.ts";

export async function readTextAgain(
  caller: Caller<ControllerMethods>,
  session: number,
  tokenizer: Tokenizer,
  text: readonly number[],
): Promise<void> {
  for (const { instruction, lead, start, end } of repeatParts(0, text.length)) {
    const told = tokenizer.encode(instruction, { bos: false });
    const tokenIds = Int32Array.from([...told, ...text.slice(lead, start), ...text.slice(start, end)]);
    await caller.call("readAgain", { session, start, end, tokenIds });
  }
}
