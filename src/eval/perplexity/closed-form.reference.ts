/** Models whose probabilities are a formula of what they see, so that every perplexity of them can be worked out. */
import type { Document } from "./document.ts";
import type { ReadingEngine } from "./reading.ts";

export interface ClosedFormModel extends ReadingEngine {
  /** What each session was given, in order. */
  readonly inputs: number[][];
}

/** `probability(seen, next)`: of a token after those seen, BOS included. */
export function closedFormModel(
  probability: (seen: readonly number[], next: number) => number,
  { bosId, contextLength = 4096, name = "closed form" }: { bosId?: number; contextLength?: number; name?: string } = {},
): ClosedFormModel {
  const inputs: number[][] = [];
  return {
    inputs,
    model: { name, contextLength },
    tokenizer: { bosId, addBos: bosId !== undefined },
    session: async () => {
      const seen: number[] = [];
      return {
        async prefill(tokenIds, { targets = [], onLogProbs, onProgress, signal } = {}) {
          if (seen.length + tokenIds.length > contextLength) throw new Error("the context is full");
          inputs.push(Array.from(tokenIds));
          const chunk = 50;
          for (let first = 0; first < tokenIds.length; first += chunk) {
            signal?.throwIfAborted();
            const rows = Math.min(chunk, tokenIds.length - first);
            const logProbs = Float64Array.from({ length: rows }, (_, row) => {
              seen.push(tokenIds[first + row]);
              const target = targets[first + row];
              return target < 0 ? Number.NaN : Math.log(probability(seen, target));
            });
            onLogProbs?.(logProbs, first);
            onProgress?.(first + rows, tokenIds.length);
          }
        },
        async dispose() {},
      };
    },
  };
}

/** Every token as likely as any other. */
export function uniformModel(vocabulary: number, options?: Parameters<typeof closedFormModel>[1]): ClosedFormModel {
  return closedFormModel(() => 1 / vocabulary, options);
}

/** `transitions[a][b]`: probability of b after a. */
export function markovModel(
  transitions: readonly (readonly number[])[],
  options?: Parameters<typeof closedFormModel>[1],
): ClosedFormModel {
  return closedFormModel((seen, next) => transitions[seen.at(-1)!][next], options);
}

/** A document of tokens that are `bytes` long. */
export function documentOfIds(name: string, tokenIds: ArrayLike<number>, bytes = 2): Document {
  return {
    name,
    tokenIds: Int32Array.from(tokenIds),
    byteEnds: Int32Array.from({ length: tokenIds.length }, (_, i) => (i + 1) * bytes),
  };
}
