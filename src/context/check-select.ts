/** Whether a plan's token selection goes with its other axes, and with a model: a part of check.ts. */
import type { PlanProblem, Remark, Rule, Subject } from "./check.ts";
import type { PositionMethod } from "./position/method.ts";
import { positionMethods } from "./position/registry.ts";
import type { SelectionSteps } from "./select/method.ts";
import { scoringLayers, selectionSteps } from "./select/registry.ts";

interface SelectionSubject extends Subject {
  readonly id: string;
  readonly steps: SelectionSteps;
}

type SelectionRule = (subject: SelectionSubject) => Omit<PlanProblem, "where"> | false | undefined;

function selectionOf(subject: Subject): SelectionSubject | undefined {
  const { select } = subject.plan.prefill;
  const steps = selectionSteps(select);
  return select && steps && { ...subject, id: select.method, steps };
}

const layersThatSeeAll: SelectionRule = ({ facts, id }) =>
  facts &&
  facts.numFullLayers < facts.numLayers && {
    reason: `expected a model whose layers all see the whole text for "${id}", got ${facts.name}: ${facts.numLayers - facts.numFullLayers} of its ${facts.numLayers} layers have a sliding window, which is found by place in the text`,
    remedy: "Leave the selection out, or use a model without sliding windows",
  };

const layersToScoreIn: SelectionRule = ({ facts, id, steps }) => {
  if (!facts) return undefined;
  const { numLayers, name } = facts;
  const layer = scoringLayers(steps, numLayers);
  return (
    (layer < 1 || layer > numLayers) && {
      reason: `expected a layer from 1 to ${numLayers} for "${id}" with ${name}, got ${layer}`,
      remedy: "Leave `layer` out for half of the layers, or give another",
    }
  );
};

const positionsAsTheyStand: SelectionRule = ({ position, id }) =>
  position.zones && {
    reason: `expected a position method that keeps keys as they stand for "${id}", got "${position.id}": keys are held in zones by position, and pages of chosen tokens have none`,
    remedy: `Leave the selection out, or use a position method without zones: ${methodsWithoutZones()}`,
  };

const nothingDroppedMeanwhile: SelectionRule = ({ dropping, id }) =>
  dropping &&
  (dropping.schedule.order === "layers" || dropping.schedule.everyWhile === "reading") && {
    reason: `expected a schedule that drops when all is read beside "${id}", got "${dropping.schedule.id}"`,
    remedy: 'Use the schedule "after-prefill" or "every-n", or leave the selection out',
  };

const wholeTextForTheSecondReading: SelectionRule = ({ dropping, id }) =>
  dropping?.needs.secondReading && {
    reason: `expected every token in every layer for score "${dropping.score.id}", got "${id}": its second reading needs the whole text`,
    remedy: "Leave the selection out, or use a score that reads once",
  };

const positionsForExpectation: SelectionRule = ({ dropping, id, steps }) =>
  steps.positions === "closed-up" &&
  dropping &&
  (dropping.needs.statistics || dropping.needs.calibration) && {
    reason: `expected tokens where they stood for score "${dropping.score.id}", which predicts queries by position, got "${id}", which closes them up`,
    remedy: 'Use the selection "spec-prefill", or a score that needs no statistics such as "snapkv"',
  };

export const selectionRules: readonly Rule[] = [
  layersThatSeeAll,
  layersToScoreIn,
  positionsAsTheyStand,
  nothingDroppedMeanwhile,
  wholeTextForTheSecondReading,
  positionsForExpectation,
].map((rule) => (subject) => {
  const selection = selectionOf(subject);
  const problem = selection && rule(selection);
  return problem && { where: "prefill.select", ...problem };
});

export const selectionRemarks: readonly Remark[] = [
  (subject) => {
    const selection = selectionOf(subject);
    if (!selection) return undefined;
    const { id, steps } = selection;
    const again =
      steps.from === "layer"
        ? "A later question in its place chooses anew; behind an answer, it finds what went on."
        : "What a later question asks for may be gone from all layers.";
    const asking = steps.window === 1 ? "its last token decides" : `its last ${steps.window} tokens decide`;
    return `Selection "${id}": of a session's first prompt, if it has ${steps.least.toLocaleString("en")} tokens or more, ${asking} what goes on: put the question at the end. ${again}`;
  },
];

function methodsWithoutZones(): string {
  const methods: readonly Pick<PositionMethod, "id" | "zones">[] = positionMethods;
  return methods.flatMap(({ id, zones }) => (zones ? [] : [id])).join(", ");
}
