/** Plans by name. */
import { type Plan, parsePlan } from "./plan.ts";

/** Little of the attention, but nearly all of it in the layers where single facts are lost first: docs/techniques/README.md has the measurements. */
const sparse = { method: "block-sparse", mass: 0.8, middle: { from: 0.25, to: 0.5, mass: 0.98 } };

export interface Preset {
  readonly summary: string;
  readonly plan: Plan;
}

export const presets: Readonly<Record<string, Preset>> = {
  exact: {
    summary: "attention to everything, positions as trained, 8-bit pages: the default",
    plan: parsePlan({}),
  },
  reference: {
    summary: "the same with f32 pages: what others are measured against",
    plan: parsePlan({ cache: { format: "f32" } }),
  },
  balanced: {
    summary: "long prompts read with most of the attention, answers written with all of it; nothing dropped",
    plan: parsePlan({
      prefill: sparse,
      speculate: "prompt-lookup",
    }),
  },
  fast: {
    summary:
      "the same, and above 24,576 tokens the upper half of the layers reads only those that the question at the end looks at",
    plan: parsePlan({
      prefill: { ...sparse, select: { method: "fastkv", keep: 6144, least: 24_576 } },
      speculate: "prompt-lookup",
    }),
  },
  extend: {
    summary: "beyond the trained length: positions by chunks, nothing dropped",
    plan: parsePlan({ position: { method: "dca" } }),
  },
  stream: {
    summary: "text without end in constant memory: first tokens and a window, no recall of the middle",
    plan: parsePlan({ position: { method: "sink-window" } }),
  },
};
