/**
 * What a token selection leaves between the layers that read every token and those that read some: the residual stream of every token
 * of the prompt. With it, and with the pages of the lower layers, the text can get another end, which selects anew: only the end is
 * read by the lower layers then.
 */
import { type PrefillPlan, prefillOf } from "../context/prefill/plan.ts";
import type { SelectionSteps } from "../context/select/method.ts";
import { layerGoneOnFrom, selectionSteps } from "../context/select/registry.ts";
import { PAGE_SLOTS } from "../ops/attention.ts";
import { LEAST_REST } from "./shared-prefix.ts";
import { type WaitingParts, WaitingTokens } from "./waiting-tokens.ts";

export interface BelowPlan {
  /** Layers that read every token. */
  readonly layers: number;
  /** Tokens at the end of a prompt that are read otherwise than within it, at least one step's worth. */
  readonly last: number;
}

/** Of a selection whose chosen tokens go on from a layer; `lastTokens`: those that the prefill method reads otherwise. */
export function belowPlan(steps: SelectionSteps, numLayers: number, lastTokens = 0): BelowPlan | undefined {
  const layers = layerGoneOnFrom(steps, numLayers);
  return layers > 0 ? { layers, last: Math.max(steps.window, lastTokens, LEAST_REST) } : undefined;
}

/** Of a plan's selection; none if all tokens go through all layers, or those chosen begin again. */
export function belowPlanOf(prefill: PrefillPlan, numLayers: number): BelowPlan | undefined {
  const steps = selectionSteps(prefill.select);
  const { technique, options } = prefillOf(prefill);
  return steps && belowPlan(steps, numLayers, technique.needs?.(options)?.lastTokens);
}

export class BelowSelection {
  readonly layers: number;
  readonly last: number;
  readonly waiting: WaitingTokens;
  /** The prompt was cut: what it ends with comes with the next reading, and layers above hold nothing. */
  awaitsEnd = false;
  private readonly parts: WaitingParts;

  constructor(parts: WaitingParts, { layers, last }: BelowPlan, waiting = new WaitingTokens(parts)) {
    this.parts = parts;
    this.layers = layers;
    this.last = last;
    this.waiting = waiting;
  }

  fork(): BelowSelection {
    const copy = new BelowSelection(this.parts, this, this.waiting.fork());
    copy.awaitsEnd = this.awaitsEnd;
    return copy;
  }

  /** Tokens that stay of a text that is cut to `length`, behind which at least one other comes: none that either end has among its last. */
  left(length: number): number {
    const { waiting, last, awaitsEnd } = this;
    const within = awaitsEnd ? waiting.length : waiting.length - last;
    const left = Math.max(0, Math.min(length + 1 - last, within));
    return left - (left % PAGE_SLOTS);
  }
}
