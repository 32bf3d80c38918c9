/** The cache axes of a plan: what is dropped by which score, how the budget is divided, when, and in which format pages are kept. */
import { z } from "zod";
import { type Choice, idOf } from "../technique.ts";
import { cacheAllocations } from "./allocation/registry.ts";
import { cacheFormats, layerFormats } from "./format/registry.ts";
import { cacheSchedules } from "./schedule/registry.ts";
import { cacheScores } from "./score/registry.ts";

const tokens = z
  .number()
  .int()
  .min(0)
  .max(2 ** 24);

const dropping = {
  allocation: cacheAllocations.choice.optional(),
  schedule: cacheSchedules.choice.optional(),
  /** Tokens kept per KV head, on average. */
  budget: tokens.min(1).optional(),
  /** First and last tokens that always stay. */
  sinks: tokens.optional(),
  window: tokens.optional(),
  /** Values of dropped slots go into their most similar neighbours. */
  merge: z.literal(true).optional(),
};

/** What a plan that drops has where it says nothing else. */
export const droppingDefaults = {
  allocation: "uniform" as Choice,
  schedule: "after-prefill" as Choice,
  sinks: 4,
  window: 128,
};

export const cacheSchema = z
  .strictObject({
    score: cacheScores.choice.default("keep-all"),
    format: cacheFormats.choice.default("q8"),
    /** Layers that keep their pages in another format. */
    layers: layerFormats.optional(),
    ...dropping,
  })
  .transform((cache, context) => {
    const fail = (message: string, key: string) => {
      context.addIssue({ code: "custom", message, path: [key] });
      return z.NEVER;
    };
    if (idOf(cache.score) === "keep-all") {
      const useless = Object.keys(dropping).find((key) => cache[key as keyof typeof dropping] !== undefined);
      if (useless)
        return fail(
          `has no meaning while nothing is dropped. Name a score besides "keep-all", or leave it out`,
          useless,
        );
      return cache;
    }
    const complete = {
      ...cache,
      ...Object.fromEntries(
        Object.entries(droppingDefaults).filter(([key]) => cache[key as keyof typeof droppingDefaults] === undefined),
      ),
    };
    const { budget, sinks = 0, window = 0 } = complete;
    if (budget === undefined) return fail(`expected the tokens to keep per KV head beside "score"`, "budget");
    if (budget < sinks + window)
      return fail(
        `expected at least sinks + window = ${sinks + window}, got ${budget}. Raise it, or make the window smaller`,
        "budget",
      );
    return complete;
  });

export type CachePlan = z.infer<typeof cacheSchema>;

/** What a plan says about dropping, complete; none if all is kept. */
export interface Dropping {
  readonly score: Choice;
  readonly allocation: Choice;
  readonly schedule: Choice;
  readonly budget: number;
  readonly sinks: number;
  readonly window: number;
  readonly merge?: true;
}

export function droppingOf(cache: CachePlan): Dropping | undefined {
  return idOf(cache.score) === "keep-all" ? undefined : (cache as Dropping);
}
