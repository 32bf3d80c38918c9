/**
 * Longspan as a library.
 *
 *   const engine = await load("model.gguf");
 *   const session = await engine.session();
 *   await session.prefill(engine.tokenizer.encode("Once upon a time"));
 *   for await (const { text } of session.generate({ maxTokens: 50 })) process.stdout.write(text);
 *   await engine.dispose();
 */
import { choosePlan, type PlanChoice } from "./context/auto.ts";
import { loadEngine } from "./engine/load.ts";
import { planRequest, readModelHeader } from "./engine/plan-facts.ts";
import type { Engine, LoadOptions } from "./engine/types.ts";
import { nodeHost } from "./platform/node.ts";

/** Loads a GGUF file from a path. */
export function load(model: string, options?: LoadOptions): Promise<Engine> {
  return loadEngine(nodeHost, model, options);
}

/**
 * The plan "auto" for a GGUF file: the least that makes a text of so many tokens, prompt and output, fit the model and the
 * memory that is free now. Call it before load(); throws CapacityError where nothing makes it fit.
 */
export function planFor(model: string, tokens: number): PlanChoice {
  return choosePlan(planRequest(nodeHost, readModelHeader(nodeHost, model), tokens));
}

export { type CacheChoices, type Check, cacheConformance } from "./conformance/cache.ts";
export { choosePlan, type PlanChoice, type PlanRequest } from "./context/auto.ts";
export { checkPlan, expectSoundPlan, type PlanFacts, type PlanProblem, type PlanReview } from "./context/check.ts";
export { defaultPlan, type Plan, parsePlan } from "./context/plan.ts";
export type * from "./engine/types.ts";
export { maxPrefillChunk } from "./engine/types.ts";
export { CapacityError, exitCodeOf, InputError, UnsupportedError } from "./runtime/errors.ts";
export { type ChatMessage, hasChat, renderChat } from "./tokenizer/chat-template.ts";
export type { Tokenizer } from "./tokenizer/tokenizer.ts";
