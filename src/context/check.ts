/**
 * Whether the parts of a plan go together, and with a model: what plan.ts cannot see, because there each axis is alone.
 * Techniques declare what they need; an id is named here only where nothing is declared.
 */
import { headDimMultiple } from "../ops/page-low.ts";
import { InputError } from "../runtime/errors.ts";
import type { CacheAllocation } from "./cache/allocation/allocation.ts";
import { cacheAllocations } from "./cache/allocation/registry.ts";
import { cacheFormats } from "./cache/format/registry.ts";
import { type Dropping, droppingOf } from "./cache/plan.ts";
import { type CacheSchedule, cacheSchedules } from "./cache/schedule/registry.ts";
import { cacheScores } from "./cache/score/registry.ts";
import type { CacheScore, ScoreNeeds } from "./cache/score/score.ts";
import { selectionRemarks, selectionRules } from "./check-select.ts";
import { sparseRemarks, sparseRules } from "./check-sparse.ts";
import { speculationRemarks } from "./check-speculate.ts";
import type { Plan } from "./plan.ts";
import type { PositionMethod } from "./position/method.ts";
import { positionMethod, positionMethods } from "./position/registry.ts";
import { idOf } from "./technique.ts";

/** What is known of a model. */
export interface PlanFacts {
  readonly name: string;
  /** Tokens that it was trained for. */
  readonly contextLength: number;
  readonly numLayers: number;
  /** Layers without a sliding window. */
  readonly numFullLayers: number;
  readonly headDim: number;
  /** Whether a calibration of this model is at hand; undefined if nobody has looked. */
  readonly hasCalibration?: boolean;
  /** Tokens that will be read and written, if known. */
  readonly neededTokens?: number;
}

export interface PlanProblem {
  /** Place in the plan. */
  readonly where: string;
  readonly reason: string;
  readonly remedy: string;
}

export interface PlanReview {
  /** Why the plan cannot run. */
  readonly problems: readonly PlanProblem[];
  /** What works, with care. */
  readonly notes: readonly string[];
}

/** Without `facts` only what is so for every model. */
export function checkPlan(plan: Plan, facts?: PlanFacts): PlanReview {
  const subject = subjectOf(plan, facts);
  return {
    problems: rules.flatMap((rule) => rule(subject) || []),
    notes: remarks.flatMap((remark) => remark(subject) || []),
  };
}

/** Throws InputError with every problem of the plan, and the way out of each. */
export function expectSoundPlan(plan: Plan, facts?: PlanFacts): void {
  const { problems } = checkPlan(plan, facts);
  if (problems.length === 0) return;
  const message = problems.map(({ where, reason, remedy }) => `${where}: ${reason}. ${remedy}.`).join(" ");
  throw new InputError(`plan: ${message}`, { got: plan });
}

export interface Subject {
  readonly plan: Plan;
  readonly facts?: PlanFacts;
  readonly position: PositionMethod;
  /** Longest context in tokens, of a known model. */
  readonly reach?: number;
  readonly dropping?: DroppingSubject;
}

interface DroppingSubject extends Omit<Dropping, "score" | "allocation" | "schedule"> {
  readonly score: CacheScore;
  readonly needs: ScoreNeeds;
  readonly allocation: CacheAllocation;
  readonly schedule: CacheSchedule;
}

function subjectOf(plan: Plan, facts: PlanFacts | undefined): Subject {
  const position = positionMethod(plan.position);
  const dropping = droppingOf(plan.cache);
  return {
    plan,
    position,
    ...(facts && { facts, reach: position.reach(plan.position, facts.contextLength) }),
    ...(dropping && { dropping: droppingSubject(dropping) }),
  };
}

function droppingSubject(dropping: Dropping): DroppingSubject {
  const { technique: score, options } = cacheScores.chosen(dropping.score);
  const { technique: allocation } = cacheAllocations.chosen(dropping.allocation);
  const { technique: schedule } = cacheSchedules.chosen(dropping.schedule);
  return { ...dropping, score, needs: score.needs?.(options) ?? {}, allocation, schedule };
}

export type Rule = (subject: Subject) => PlanProblem | false | undefined;

const reachesTheText: Rule = ({ facts, position, reach }) =>
  facts?.neededTokens !== undefined &&
  facts.neededTokens > reach! && {
    where: "position",
    reason: `expected to reach ${count(facts.neededTokens)} tokens, got "${position.id}", which reaches ${count(reach!)} with ${facts.name}`,
    remedy: 'Raise its factor, use a method that reaches further such as {"method":"dca"}, or shorten the text',
  };

const nothingDroppedFromZones: Rule = ({ position, dropping }) =>
  dropping &&
  position.zones && {
    where: "cache.score",
    reason: `expected "keep-all" beside position "${position.id}", got "${dropping.score.id}": keys are held in zones by position, and nothing can be dropped from those yet`,
    remedy: `Leave the score out, or use a position method without zones: ${methodsWithoutZones()}`,
  };

const layersToDropFrom: Rule = ({ facts, dropping }) =>
  dropping &&
  facts?.numFullLayers === 0 && {
    where: "cache.score",
    reason: `expected a model with full-attention layers, got ${facts.name}, whose ${facts.numLayers} layers all have a sliding window and hold no more than that`,
    remedy: "Leave the score out",
  };

const layersToSlope: Rule = ({ facts, dropping }) =>
  dropping?.allocation.id === "pyramid" &&
  facts?.numFullLayers === 1 && {
    where: "cache.allocation",
    reason: `expected at least 2 full-attention layers for "pyramid", got 1 in ${facts.name}`,
    remedy: 'Use the allocation "uniform"',
  };

const allLayersAtOnce: Rule = ({ dropping }) =>
  dropping?.allocation.scope === "model" &&
  dropping.schedule.order === "layers" && {
    where: "cache.schedule",
    reason: `expected the scores of all layers at once for allocation "${dropping.allocation.id}", got "${dropping.schedule.id}", which has one layer at a time`,
    remedy:
      'Use the schedule "after-prefill", or an allocation that divides the budget within a layer, such as "uniform"',
  };

const wholeTextForTheSecondReading: Rule = ({ dropping }) => {
  if (!dropping?.needs.secondReading) return undefined;
  const { afterPrefill, everyWhile, order, id } = dropping.schedule;
  return (
    !(afterPrefill && everyWhile === undefined && order === "chunks") && {
      where: "cache.schedule",
      reason: `expected "after-prefill" for score "${dropping.score.id}", got "${id}": its second reading needs the whole text in all layers`,
      remedy: 'Use the schedule "after-prefill", or a score that reads once',
    }
  );
};

const calibrationAtHand: Rule = ({ facts, dropping }) => {
  const axis = dropping && calibratedAxis(dropping);
  return (
    axis &&
    facts?.hasCalibration === false && {
      where: `cache.${axis}`,
      reason: `expected a calibration of ${facts.name} for "${dropping[axis].id}", got none`,
      remedy: `Make one with \`longspan models calibrate NAME\`, or use another ${axis}`,
    }
  );
};

const headsFitTheFormat: Rule = ({ plan, facts }) => {
  const multiple = headDimMultiple(pagesOf(plan));
  return (
    facts !== undefined &&
    facts.headDim % multiple !== 0 && {
      where: "cache.format",
      reason: `expected heads of a multiple of ${multiple} dimensions for "${idOf(plan.cache.format)}", got ${facts.headDim} in ${facts.name}`,
      remedy: 'Use {"keys":"channel","values":"channel"}, or the format "q8"',
    }
  );
};

const rules: readonly Rule[] = [
  reachesTheText,
  nothingDroppedFromZones,
  layersToDropFrom,
  layersToSlope,
  allLayersAtOnce,
  wholeTextForTheSecondReading,
  calibrationAtHand,
  headsFitTheFormat,
  ...sparseRules,
  ...selectionRules,
];

export type Remark = (subject: Subject) => string | false | undefined;

const remarks: readonly Remark[] = [
  ({ facts, reach, position }) =>
    facts?.neededTokens !== undefined &&
    facts.neededTokens <= facts.contextLength &&
    reach! > facts.contextLength &&
    `The text fits the ${count(facts.contextLength)} tokens that ${facts.name} was trained for: position "rope" is exact there, "${position.id}" is not needed.`,
  ({ facts, reach, dropping }) =>
    facts !== undefined &&
    facts.numFullLayers < facts.numLayers &&
    (dropping !== undefined || reach !== facts.contextLength) &&
    `${facts.numLayers - facts.numFullLayers} of the ${facts.numLayers} layers have a sliding window: they see no long context, and the plan leaves them as they are.`,
  ({ facts, reach, dropping }) => {
    const tokens = Math.min(facts?.neededTokens ?? Number.POSITIVE_INFINITY, reach ?? Number.POSITIVE_INFINITY);
    return (
      dropping &&
      dropping.budget >= tokens &&
      `A budget of ${count(dropping.budget)} holds all ${count(tokens)} tokens: nothing will be dropped.`
    );
  },
  ({ dropping }) =>
    dropping?.needs.queries !== undefined &&
    (dropping.schedule.everyWhile === "reading"
      ? `Score "${dropping.score.id}" judges each part of the text by that part's own last ${dropping.needs.queries} tokens: what a later question asks for may be gone.`
      : `Score "${dropping.score.id}" judges by the last ${dropping.needs.queries} tokens: put the question at the end of what is read.`),
  ({ dropping }) => dropping?.needs.secondReading && `Score "${dropping.score.id}" reads the text twice.`,
  ({ dropping }) =>
    dropping?.schedule.everyWhile === "reading" &&
    `Schedule "${dropping.schedule.id}": later parts of the text see only what was kept of earlier ones.`,
  ({ dropping }) =>
    dropping?.schedule.order === "chunks" &&
    dropping.schedule.afterPrefill &&
    `Schedule "${dropping.schedule.id}": memory holds the whole text before anything is dropped; "streaming" bounds it while reading.`,
  ({ plan, dropping }) =>
    dropping !== undefined &&
    typeof pagesOf(plan) === "object" &&
    `Format "${idOf(plan.cache.format)}" and dropping both lose something: measure each alone first, with \`longspan eval kv\`.`,
  ({ plan, facts }) => {
    const pages = pagesOf(plan);
    const block = facts && largestPowerOfTwoIn(facts.headDim);
    return (
      typeof pages === "object" &&
      pages.keys.by === "rotated-token" &&
      block !== facts?.headDim &&
      `Keys of ${facts?.headDim} dimensions are turned in blocks of ${block}, which spreads large channels less than one turn of all.`
    );
  },
  ({ facts, dropping }) => {
    const axis = dropping && calibratedAxis(dropping);
    return (
      axis &&
      facts?.hasCalibration === undefined &&
      `"${dropping[axis].id}" needs a calibration of the model: \`longspan models calibrate NAME\`.`
    );
  },
  ...sparseRemarks,
  ...selectionRemarks,
  ...speculationRemarks,
];

/** How pages but the first are kept. */
function pagesOf({ cache }: Plan) {
  const { technique, options } = cacheFormats.chosen(cache.format);
  return technique.pages(options).rest;
}

function largestPowerOfTwoIn(size: number): number {
  return size & -size;
}

function calibratedAxis({ needs, allocation }: DroppingSubject): "score" | "allocation" | undefined {
  if (needs.calibration) return "score";
  return allocation.needsCalibration ? "allocation" : undefined;
}

function methodsWithoutZones(): string {
  const methods: readonly Pick<PositionMethod, "id" | "zones">[] = positionMethods;
  return methods.flatMap(({ id, zones }) => (zones ? [] : [id])).join(", ");
}

function count(tokens: number): string {
  return tokens.toLocaleString("en");
}
