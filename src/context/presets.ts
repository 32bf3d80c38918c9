/** Plans by name. */
import { type Plan, parsePlan } from "./plan.ts";

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
  extend: {
    summary: "beyond the trained length: positions by chunks, nothing dropped",
    plan: parsePlan({ position: { method: "dca" } }),
  },
  stream: {
    summary: "text without end in constant memory: first tokens and a window, no recall of the middle",
    plan: parsePlan({ position: { method: "sink-window" } }),
  },
};
