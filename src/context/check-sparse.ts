/** What sparse prefill and sparse decode go together with: part of check.ts. */
import type { Remark, Rule } from "./check.ts";
import { decodeMethods } from "./decode/registry.ts";
import type { Plan } from "./plan.ts";
import { prefillOf } from "./prefill/plan.ts";

/** Axes under which pages are left out, and the technique that leaves them out. */
function sparseAxes({ prefill, decode }: Plan): { axis: "prefill" | "decode"; id: string }[] {
  const axes: { axis: "prefill" | "decode"; id: string }[] = [];
  if (prefill.method !== "full") axes.push({ axis: "prefill", id: prefill.method });
  if (decodeNeeds(decode)) axes.push({ axis: "decode", id: decode.method });
  return axes;
}

function decodeNeeds(decode: Plan["decode"]) {
  const { technique, options } = decodeMethods.chosen(decode);
  return technique.needs?.(options);
}

function prefillNeeds(prefill: Plan["prefill"]) {
  const { technique, options } = prefillOf(prefill);
  return technique.needs?.(options);
}

const pagesInOneRow: Rule = ({ plan, position }) => {
  const [sparse] = sparseAxes(plan);
  return (
    sparse !== undefined &&
    position.zones !== undefined && {
      where: sparse.axis,
      reason: `expected "full" beside position "${position.id}", got "${sparse.id}": its pages are seen in zones by position, and none can be left out of those yet`,
      remedy: "Leave it out, or use a position method without zones, such as yarn",
    }
  );
};

const layersToLeaveOutFrom: Rule = ({ plan, facts }) => {
  const [sparse] = sparseAxes(plan);
  return (
    sparse !== undefined &&
    facts?.numFullLayers === 0 && {
      where: sparse.axis,
      reason: `expected a model with full-attention layers, got ${facts.name}, whose ${facts.numLayers} layers all have a sliding window`,
      remedy: "Leave it out",
    }
  );
};

export const sparseRules: readonly Rule[] = [pagesInOneRow, layersToLeaveOutFrom];

export const sparseRemarks: readonly Remark[] = [
  ({ plan, facts }) => {
    const { denseBelow = 0 } = prefillNeeds(plan.prefill) ?? {};
    return (
      facts?.neededTokens !== undefined &&
      facts.neededTokens <= denseBelow &&
      `Prefill "${plan.prefill.method}" sees everything up to ${denseBelow.toLocaleString("en")} tokens: nothing will be left out.`
    );
  },
  ({ plan }) =>
    plan.prefill.method !== "full" &&
    `Prefill "${plan.prefill.method}" leaves out attention that is spread thin: finding one thing suffers last; counting words over a text, following chains and adding up suffer first.`,
  ({ plan }) =>
    prefillNeeds(plan.prefill)?.pattern !== undefined &&
    `Prefill "${plan.prefill.method}" chooses by what was read just before, so a text that was read is not kept for later (context cache).`,
  ({ plan }) =>
    decodeNeeds(plan.decode) &&
    `Decode "${plan.decode.method}": each KV head sees a budget of pages, chosen anew every few tokens; nothing is dropped.`,
];
