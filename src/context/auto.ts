/**
 * The plan "auto": the least that makes a text fit, in this order.
 *
 *   positions   as trained where they reach; else `dca` with the smallest factor; `yarn` up to 4 times where tokens must be dropped
 *   pages       q8 with all tokens kept; else a format with fewer bits, if there is one; else dropped while reading
 *
 * docs/POSITIONS.md has the measurements behind the first, docs/PLANS.md the limits of the second.
 */
import { CapacityError } from "../runtime/errors.ts";
import { cacheFormats } from "./cache/format/registry.ts";
import { cacheSchedules } from "./cache/schedule/registry.ts";
import { cacheScores } from "./cache/score/registry.ts";
import { type Plan, parsePlan } from "./plan.ts";
import type { PositionOptions } from "./position/registry.ts";
import { contextLengthOf } from "./position/rotation.ts";

export interface PlanRequest {
  /** Tokens that the model was trained for. */
  readonly trainedContext: number;
  /** Prompt and output. */
  readonly tokens: number;
  /** Bytes of a token in the pages of all full-attention layers, by format. Formats without a figure are not chosen. */
  readonly kvBytesPerToken: { readonly q8: number; readonly [format: string]: number };
  /** Bytes that those pages may take. */
  readonly freeBytes: number;
  /** Some layers have a sliding window. */
  readonly hasWindows: boolean;
  /** The file prescribes a scaling, so that frequencies must stay as they are. */
  readonly hasScaling?: boolean;
}

export interface PlanChoice {
  readonly plan: Plan;
  /** What was chosen and why: sentences. */
  readonly reasons: readonly string[];
}

/** Throws CapacityError, with the sum, where nothing makes the text fit. */
export function choosePlan(request: PlanRequest): PlanChoice {
  const kept = keepAll(request);
  const { position, reason } = kept ? positionFor(request) : positionForDropping(request);
  const cache = kept ?? keepBudget(request);
  const reasons = [reason, cache.reason];
  const isPlain = position.method === "rope" && kept !== undefined;
  if (request.hasWindows && !isPlain) reasons.push("Layers with a sliding window stay as they are.");
  return { plan: parsePlan({ position, cache: cache.options }), reasons };
}

/** What to do beyond the trained length, in one sentence. */
export function beyondTrained({
  trainedContext,
  hasScaling,
}: Pick<PlanRequest, "trainedContext" | "hasScaling">): string {
  const reach = contextLengthOf(parsePlan({ position: { method: "dca" } }).position, trainedContext);
  const dca = `use {"position":{"method":"dca"}}, which reaches ${count(reach)}`;
  const yarn = hasScaling
    ? "; the file's own scaling rules out methods that change frequencies"
    : `, or yarn up to ${count(MOST_YARN * trainedContext)} where tokens must be dropped as well`;
  return `Beyond ${count(trainedContext)} tokens ${dca}${yarn}; --plan auto chooses.`;
}

/** Times the trained length that yarn is recommended for. */
const MOST_YARN = 4;
const MOST_DCA = 1024;

interface PositionChoice {
  readonly position: PositionOptions;
  readonly reason: string;
}

function positionFor({ trainedContext, tokens }: PlanRequest): PositionChoice {
  if (tokens <= trainedContext) return asTrained(trainedContext, tokens);
  const factor = Math.max(2, Math.ceil(tokens / trainedContext));
  if (factor > MOST_DCA)
    throw new CapacityError(
      `plan: auto: expected at most ${MOST_DCA} times the ${count(trainedContext)} tokens that the model was trained for, got ${count(tokens)}. Shorten the text, or use a model with a longer context.`,
      { expected: MOST_DCA * trainedContext, got: tokens },
    );
  return {
    position: { method: "dca", factor },
    reason:
      `${count(tokens)} tokens exceed the ${count(trainedContext)} that the model was trained for: position dca, which keeps ` +
      `neighbouring tokens exactly as trained, reaches ${count(factor * trainedContext)}.`,
  };
}

/** Nothing can be dropped from dca's zones, so that only methods without zones are left. */
function positionForDropping(request: PlanRequest): PositionChoice {
  const { trainedContext, tokens, hasScaling } = request;
  if (tokens <= trainedContext) return asTrained(trainedContext, tokens);
  // Quarters, so that texts of nearly the same length are read alike.
  const factor = Math.ceil((tokens / trainedContext) * 4) / 4;
  if (hasScaling || factor > MOST_YARN)
    throw noRoom(
      request,
      `dca is needed for more than the ${count(trainedContext)} tokens that the model was trained for, and nothing can be dropped under it`,
    );
  return {
    position: { method: "yarn", factor },
    reason:
      `${count(tokens)} tokens exceed the ${count(trainedContext)} that the model was trained for, and tokens must be dropped, which dca ` +
      `does not allow: position yarn with factor ${factor} reaches ${count(factor * trainedContext)}.`,
  };
}

function asTrained(trainedContext: number, tokens: number): PositionChoice {
  return {
    position: { method: "rope" },
    reason: `${count(tokens)} tokens fit the ${count(trainedContext)} that the model was trained for: positions as trained.`,
  };
}

interface CacheChoice {
  readonly options: object;
  readonly reason: string;
}

/** Best first. Fewer bits than these lose too much to be chosen unasked. */
const formats = ["q8", "k8v4", "q4"];

/** All tokens, in the best format whose pages fit. */
function keepAll({ tokens, kvBytesPerToken, freeBytes }: PlanRequest): CacheChoice | undefined {
  const known = formats.filter((id) => cacheFormats.members.some((member) => member.id === id));
  const format = known.find((id) => tokens * kvBytesPerToken[id] <= freeBytes);
  if (format === undefined) return undefined;
  const sum = `${megabytes(tokens * kvBytesPerToken[format])} of the ${megabytes(freeBytes)} that are free`;
  return {
    options: { format },
    reason:
      format === "q8"
        ? `All tokens are kept in q8 pages: ${sum}.`
        : `q8 pages would take ${megabytes(tokens * kvBytesPerToken.q8)}: all tokens are kept in ${format} pages, ${sum}.`,
  };
}

/** Fewer tokens kept than these are not worth an answer. */
const LEAST_BUDGET = 256;
const PAGE_TOKENS = 64;

/**
 * Dropped while reading. A page is joined with others once less than half of it is left, so that what is kept takes up to
 * twice its bytes; the tokens read since the last dropping come on top.
 */
function keepBudget(request: PlanRequest): CacheChoice {
  const { tokens, kvBytesPerToken, freeBytes } = request;
  const [score, schedule] = ["key-diff", "streaming"];
  if (!cacheScores.members.some(({ id }) => id === score))
    throw noRoom(request, `there is no score "${score}" to drop by`);
  const { every } = cacheSchedules.chosen(schedule).options as { every: number };
  const room = freeBytes / kvBytesPerToken.q8 - every;
  const budget = Math.floor(room / 2 / PAGE_TOKENS) * PAGE_TOKENS;
  if (budget < LEAST_BUDGET) throw noRoom(request, `not even ${LEAST_BUDGET} tokens a KV head could be kept`);
  return {
    options: { format: "q8", score, schedule, budget },
    reason:
      `All tokens would take ${megabytes(tokens * kvBytesPerToken.q8)} in q8 pages, ${megabytes(freeBytes)} are free: of each KV head the ` +
      `${count(budget)} tokens with the most distinct keys are kept while reading (score ${score}), so the answer may miss what was dropped.`,
  };
}

function noRoom({ tokens, kvBytesPerToken, freeBytes }: PlanRequest, reason: string): CapacityError {
  const needed = tokens * kvBytesPerToken.q8;
  return new CapacityError(
    `plan: auto: expected ${megabytes(needed)} for the q8 pages of ${count(tokens)} tokens, got ${megabytes(freeBytes)} free: ${reason}. ` +
      "Shorten the text, use a smaller model, or end other programs.",
    { expected: needed, got: freeBytes },
  );
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20).toLocaleString("en")} MB`;
}

function count(tokens: number): string {
  return tokens.toLocaleString("en");
}
