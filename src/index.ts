/**
 * Longspan as a library.
 *
 *   const engine = await load("model.gguf");
 *   const session = await engine.session();
 *   await session.prefill(engine.tokenizer.encode("Once upon a time"));
 *   for await (const { text } of session.generate({ maxTokens: 50 })) process.stdout.write(text);
 *   await engine.dispose();
 */
import { loadEngine } from "./engine/load.ts";
import type { Engine, LoadOptions } from "./engine/types.ts";
import { nodeHost } from "./platform/node.ts";

/** Loads a GGUF file from a path. */
export function load(model: string, options?: LoadOptions): Promise<Engine> {
  return loadEngine(nodeHost, model, options);
}

export { defaultPlan, type Plan, parsePlan } from "./context/plan.ts";
export type * from "./engine/types.ts";
export { maxPrefillChunk } from "./engine/types.ts";
export { CapacityError, exitCodeOf, InputError, UnsupportedError } from "./runtime/errors.ts";
export { type ChatMessage, hasChat, renderChat } from "./tokenizer/chat-template.ts";
export type { Tokenizer } from "./tokenizer/tokenizer.ts";
