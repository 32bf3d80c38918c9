/** Reads prompts whose own log probabilities are wanted (`echo`): in sessions of their own, for shared ones were read without. */
import type { Plan } from "../context/plan.ts";
import { withLogProbs } from "../engine/log-probs.ts";
import type { Engine, PrefillOptions, TokenLogProb } from "../engine/types.ts";
import type { PromptReader } from "./completion.ts";

/** As a generated token; the first of a prompt has no log probability. */
export interface PromptToken {
  readonly tokenId: number;
  readonly logProb?: number;
  readonly top?: readonly TokenLogProb[];
}

/** Rows of logits at a time: one of a large vocabulary is half a megabyte. */
const ROWS = 32;

/** `count`: how many of the likeliest tokens come with each. */
export function readerOfLogProbs(engine: Engine, plan: Plan, count: number): PromptReader {
  const { vocabularySize } = engine.model;
  return {
    async read(ids, { signal, onProgress }) {
      const tokens: PromptToken[] = [{ tokenId: ids[0] }];
      const fromLogits: PrefillOptions = {
        onLogits(logits) {
          for (let at = 0; at < logits.length && tokens.length < ids.length; at += vocabularySize)
            tokens.push(withLogProbs(logits.subarray(at, at + vocabularySize), ids[tokens.length], count));
        },
      };
      const fromTargets: PrefillOptions = {
        targets: Int32Array.from(ids, (_, i) => ids[i + 1] ?? -1),
        onLogProbs(logProbs) {
          for (const logProb of logProbs)
            if (tokens.length < ids.length) tokens.push({ tokenId: ids[tokens.length], logProb });
        },
      };
      const session = await engine.session({ plan, ...(count > 0 && { prefillChunk: ROWS }) });
      try {
        await session.prefill(ids, { signal, onProgress, ...(count > 0 ? fromLogits : fromTargets) });
      } catch (error) {
        await session.dispose();
        throw error;
      }
      return { session, cachedTokens: 0, logProbs: tokens };
    },
  };
}
