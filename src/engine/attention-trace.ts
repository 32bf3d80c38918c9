/** What generated tokens attend to, for the layers that see the whole text: a sequence that is traced sums it up as it goes. */
import type { AttentionItem, AttentionZone } from "../ops/attention.ts";
import { type ObservationParts, Observations } from "./observations.ts";
import type { TracedHead } from "./types.ts";

/** Whose attention is summed: a prompt's last token, which begins anew, or a generated one. */
export type Tracing = "prompt" | "generated";

export class AttentionTrace {
  private readonly parts: Omit<ObservationParts, "needs">;
  /** Adds up columns; gathers nothing itself. */
  private readonly observations: Observations;
  /** [layer][KV head]: by position. */
  private readonly sums: Float32Array[][];

  constructor(parts: Omit<ObservationParts, "needs">, from?: AttentionTrace) {
    this.parts = parts;
    this.observations = new Observations({ ...parts, needs: {} });
    const nothing = (heads: number) => Array.from({ length: heads }, () => new Float32Array(0));
    this.sums = parts.shapes.map(({ numKvHeads, window }, layer) =>
      from ? from.sums[layer].map((sums) => sums.slice()) : nothing(window === 0 ? numKvHeads : 0),
    );
  }

  fork(): AttentionTrace {
    return new AttentionTrace(this.parts, this);
  }

  /** Adds what the last of a chunk's `tokens` gives every slot. Items as attention() had them. */
  add(
    layer: number,
    tracing: Tracing,
    {
      tokens,
      items,
      ...inputs
    }: {
      q: number;
      positions: number;
      tokens: number;
      items: readonly AttentionItem[];
      itemSpace: number;
      zones?: readonly AttentionZone[];
    },
  ): void {
    const { numKvHeads } = this.parts.shapes[layer];
    if (tracing === "prompt") this.sums[layer] = Array.from({ length: numKvHeads }, () => new Float32Array(0));
    const last = items
      .filter(({ firstToken, numTokens }) => firstToken + numTokens === tokens)
      .map((item) => ({ ...item, firstToken: tokens - 1, numTokens: 1 }));
    this.observations.addSums(layer, this.sums[layer], "sum", { ...inputs, items: last });
  }

  /** Weights by position, of the first `length`. */
  heads(length: number): TracedHead[] {
    return this.sums.flatMap((heads, layer) =>
      heads.map((sums, kvHead) => {
        const weights = new Float32Array(length);
        weights.set(sums.subarray(0, length));
        return { layer, kvHead, weights };
      }),
    );
  }
}
