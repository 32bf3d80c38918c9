/**
 * KV quality: a plan against a reference plan on the same prompts.
 *
 *   const result = await kvQuality(engine, { plan, samples, score: (output, sample) => task.score(output, sample) });
 *   process.stdout.write(kvQualityText(result));
 */
export { exactPlan } from "./compare.ts";
export { compareStep, type Divergence, divergenceOf, type Step } from "./divergence.ts";
export { type DocumentSampleOptions, documentSample } from "./document-sample.ts";
export { kvQuality } from "./kv-quality.ts";
export { kvQualityText } from "./text.ts";
export type * from "./types.ts";
