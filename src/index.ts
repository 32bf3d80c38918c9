/**
 * Longspan as a library.
 *
 *   const engine = await load("model.gguf");
 *   const session = await engine.session();
 *   await session.prefill(engine.tokenizer.encode("Once upon a time"));
 *   for await (const { text } of session.generate({ maxTokens: 50 })) process.stdout.write(text);
 *   await engine.dispose();
 *
 * A technique of one's own is a module that exports `scores` or `allocations` (defineScore, defineAllocation); both threads
 * import it: load("model.gguf", { techniques: [url] }). cacheConformance(engine, { score: "its-id" }) gives the checks that it
 * has to pass, for any test runner; docs/techniques/README.md has an example.
 */
import { choosePlan, type PlanChoice } from "./context/auto.ts";
import { loadEngine } from "./engine/load.ts";
import { planRequest, readModelHeader } from "./engine/plan-facts.ts";
import type { Engine, LoadOptions } from "./engine/types.ts";
import { type BlockStoreOptions, DiskBlockStore } from "./hub/block-store.ts";
import { findCalibration } from "./hub/calibrations.ts";
import { contextsFolder } from "./hub/home.ts";
import { nodeHost } from "./platform/node.ts";

/** Loads a GGUF file from a path, with its calibration if one was stored for it. */
export async function load(model: string, options: LoadOptions = {}): Promise<Engine> {
  return loadEngine(nodeHost, model, { ...options, calibration: options.calibration ?? findCalibration(model) });
}

/**
 * The plan "auto" for a GGUF file: the least that makes a text of so many tokens, prompt and output, fit the model and the
 * memory that is free now. Call it before load(); throws CapacityError where nothing makes it fit.
 */
export function planFor(model: string, tokens: number): PlanChoice {
  return choosePlan(planRequest(nodeHost, readModelHeader(nodeHost, model), tokens));
}

/**
 * What was read on this machine before, shared with the command line: engine.session({ store: contextCache() }) begins a
 * prompt behind the part of it that is there, and adds what it reads. Any number of programs may use it at once.
 */
export function contextCache(options?: BlockStoreOptions): DiskBlockStore {
  return new DiskBlockStore(contextsFolder(), options);
}

export { type CacheChoices, type Check, cacheConformance } from "./conformance/cache.ts";
export { choosePlan, type PlanChoice, type PlanRequest } from "./context/auto.ts";
export { type CacheAllocation, defineAllocation, type HeadScores } from "./context/cache/allocation/allocation.ts";
export type { Calibration } from "./context/cache/calibration.ts";
export { type CachePlan, cacheSchema } from "./context/cache/plan.ts";
export {
  type CacheScore,
  defineScore,
  forEachHead,
  type LayerView,
  type ScoreNeeds,
} from "./context/cache/score/score.ts";
export { checkPlan, expectSoundPlan, type PlanFacts, type PlanProblem, type PlanReview } from "./context/check.ts";
export { defaultPlan, type Plan, parsePlan } from "./context/plan.ts";
export { type Preset, presets } from "./context/presets.ts";
export { type Choice, type Technique, techniqueOptions } from "./context/technique.ts";
export { type AttendedPassage, attendedPassages } from "./engine/attended-passages.ts";
export { type CalibrateOptions, calibrate } from "./engine/calibrate.ts";
export {
  type LinkedText,
  type LinkTextsOptions,
  linkTexts,
  partsAround,
  type TextParts,
} from "./engine/linked-text.ts";
export type { TechniqueModule } from "./engine/techniques.ts";
export type * from "./engine/types.ts";
export { maxPrefillChunk } from "./engine/types.ts";
export { type BlockStoreOptions, DiskBlockStore, type StoredBlock } from "./hub/block-store.ts";
export { storeCalibration } from "./hub/calibrations.ts";
export { CapacityError, exitCodeOf, InputError, UnsupportedError } from "./runtime/errors.ts";
export type { Arithmetic, KernelProfile } from "./runtime/profile.ts";
export { type ChatMessage, hasChat, renderChat } from "./tokenizer/chat-template.ts";
export type { Tokenizer } from "./tokenizer/tokenizer.ts";
