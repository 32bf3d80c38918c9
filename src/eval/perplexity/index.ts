/**
 * The perplexity family: how well a model predicts text, by how much of it it sees. Token ids in, plain JSON out.
 *
 *   const documents = texts.map((text) => documentOf(engine.tokenizer, text));
 *   const result = await perplexityByContext(engine, documents, { targets: 1024 });
 *   process.stdout.write(perplexityText(result));
 */
import type { ByPosition } from "./by-position.ts";
import type { LongPerplexity } from "./longppl.ts";
import type { ShuffledPrefix } from "./shuffled-prefix.ts";
import type { ByContext } from "./visible-context.ts";
import type { Chunked, SlidingWindow } from "./windows.ts";

export type PerplexityResult = ByPosition | ByContext | SlidingWindow | Chunked | ShuffledPrefix | LongPerplexity;

export { type ByPosition, type ByPositionOptions, perplexityByPosition } from "./by-position.ts";
export { type Document, documentOf } from "./document.ts";
export { findKeySpans, type KeyCriteria, type KeySpanOptions, type KeySpans } from "./key-spans.ts";
export type { Likelihood } from "./likelihood.ts";
export { type LongPerplexity, type LongPerplexityOptions, longPerplexity } from "./longppl.ts";
export { type ReadingEngine, type ReadOptions, underPlan } from "./reading.ts";
export { perplexityShuffledPrefix, type ShuffledPrefix, type ShuffledPrefixOptions } from "./shuffled-prefix.ts";
export { perplexityText } from "./text.ts";
export { type ByContext, type ByContextOptions, perplexityByContext } from "./visible-context.ts";
export {
  type Chunked,
  type ChunkedOptions,
  perplexityChunked,
  perplexitySlidingWindow,
  type SlidingWindow,
  type SlidingWindowOptions,
} from "./windows.ts";
