/** Which tokens of a prompt go through all layers: one line a technique. `all` is the trivial member. */
import { layerAt } from "../layer-option.ts";
import { type CompleteChoice, TechniqueRegistry, techniqueOptions } from "../technique.ts";
import { fastkv } from "./fastkv.ts";
import { gemfilter } from "./gemfilter.ts";
import { type SelectionLayout, selectionLayout, wholeLayout } from "./layout.ts";
import { defineSelection, type SelectionSteps, type TokenSelection } from "./method.ts";
import { specPrefill } from "./spec-prefill.ts";

const all = defineSelection({
  id: "all",
  summary: "every token goes through every layer",
  source: "",
  options: techniqueOptions("all", {}),
});

export const tokenSelections = new TechniqueRegistry("prefill.select", [all, fastkv, gemfilter, specPrefill]);

/** What a plan's selection does; none if all tokens go on, whatever the prompt. */
export function selectionSteps(choice: CompleteChoice | undefined): SelectionSteps | undefined {
  if (!choice) return undefined;
  const { technique, options } = tokenSelections.chosen(choice);
  return technique.steps?.(options);
}

/** A selection and the prompt that it is for. */
export interface Selection {
  readonly steps: SelectionSteps;
  readonly layout: SelectionLayout;
  /** As TokenSelection.score(). */
  score(weights: readonly Float32Array[]): Float32Array;
}

/** Of a prompt of so many tokens, of which the lower layers hold some; none if all of them go on together. */
export function selectionFor(choice: CompleteChoice | undefined, tokens: number, held = 0): Selection | undefined {
  const steps = selectionSteps(choice);
  const layout = steps && (selectionLayout(tokens, steps) ?? (held > 0 ? wholeLayout(tokens) : undefined));
  if (!choice || !layout) return undefined;
  const { technique, options }: { technique: TokenSelection; options: never } = tokenSelections.chosen(choice);
  const { score } = technique;
  if (!score) throw new Error(`select: "${technique.id}" says that tokens are left out, but not which`);
  return { steps, layout, score: (weights) => score(weights, options) };
}

/** How many layers a selection takes to score, in a model of so many. The last needs only the keys of all tokens, which go through those below it. */
export function scoringLayers({ layer }: SelectionSteps, numLayers: number): number {
  return layer === undefined ? Math.max(1, numLayers >> 1) : layerAt(layer, numLayers);
}

/** The first layer of those that only chosen tokens go through; 0 where they begin anew. */
export function layerGoneOnFrom(steps: SelectionSteps, numLayers: number): number {
  return steps.from === "layer" ? scoringLayers(steps, numLayers) - 1 : 0;
}
