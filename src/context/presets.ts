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
};
