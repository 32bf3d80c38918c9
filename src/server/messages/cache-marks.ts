/** Where `cache_control` stands in a request: a mark says that the prompt up to there will be wanted again. */
import { commonPrefix } from "../../engine/shared-prefix.ts";
import type { Block, MessagesPrompt } from "./request.ts";
import { blocksOf } from "./request.ts";

/** Anthropic's own limit; of more, the last count. */
const MOST_MARKS = 4;

/**
 * Tokens of the prompt up to each mark, ascending. `render` gives the ids of a request; a request that ends at the mark
 * begins as the whole one does, up to what the template writes after it.
 */
export function markedLengths(
  request: MessagesPrompt,
  promptIds: Int32Array,
  render: (request: MessagesPrompt) => Int32Array,
): number[] {
  return cutRequests(request)
    .slice(-MOST_MARKS)
    .map((cut) => commonPrefix(promptIds, render(cut)));
}

/** The request as far as each of its marks, in order. */
function cutRequests(request: MessagesPrompt): MessagesPrompt[] {
  const { system, messages, tools } = request;
  const instructions = typeof system === "string" ? [] : (system ?? []);
  const next = [{ role: "user" as const, content: "." }];
  const cuts: MessagesPrompt[] = [];
  if (tools?.some(isMarked)) cuts.push({ ...request, system: null, messages: next });
  for (const [i, block] of instructions.entries())
    if (isMarked(block)) cuts.push({ ...request, system: instructions.slice(0, i + 1), messages: next });
  for (const [m, { role, content }] of messages.entries())
    for (const [i, block] of blocksOf(content).entries()) {
      const cut = { role, content: blocksOf(content).slice(0, i + 1) };
      if (isMarked(block))
        cuts.push({ ...request, messages: [...messages.slice(0, m), cut] as MessagesPrompt["messages"] });
    }
  return cuts;
}

function isMarked(block: Block | { cache_control?: unknown }): boolean {
  return block.cache_control != null;
}
