/** The shape of attention in each layer, as ops want it. */
import type { ModelConfig } from "../model/config.ts";
import type { AttentionShape } from "../ops/attention.ts";

export interface LayerShape extends AttentionShape {
  /** First pages that are kept whatever the window. */
  readonly pinnedPages?: number;
}

export function layerShapes(config: ModelConfig): LayerShape[] {
  const { numHeads, numKvHeads, headDim, attentionScale: scale } = config;
  return config.layers.map(({ window }) => ({ numHeads, numKvHeads, headDim, scale, window }));
}
