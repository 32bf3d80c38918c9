/**
 * What every way of dropping slots must keep to, as checks that any test runner can run: of the engine's own techniques and of
 * those that others add.
 *
 *   for (const { title, run } of cacheConformance(engine, { score: "my-score" })) test(title, run);
 */
import assert from "node:assert/strict";
import { type Plan, parsePlan } from "../context/plan.ts";
import type { Engine, KeptSlots, Session } from "../engine/types.ts";
import { InputError } from "../runtime/errors.ts";

export interface Check {
  readonly title: string;
  /** Rejects with an AssertionError if the technique does not keep to it. */
  run(): Promise<void>;
}

/** The choices of a cache plan that are checked; budgets are the checks'. */
export interface CacheChoices {
  readonly score: unknown;
  readonly allocation?: unknown;
  readonly format?: unknown;
  readonly layers?: unknown;
  readonly merge?: true;
}

const LENGTH = 200;
const BUDGET = 80;
const SINKS = 4;
const WINDOW = 24;
const STEP = 64;

export function cacheConformance(engine: Engine, choices: CacheChoices): Check[] {
  const cacheOf = (more: Record<string, unknown>) => ({ ...choices, sinks: SINKS, window: WINDOW, ...more });
  const planOf = (more: Record<string, unknown>) => parsePlan({ cache: cacheOf(more) });
  const { format = "q8", layers } = choices;
  const whole = parsePlan({ cache: { format, layers } });
  const tokenIds = tokensFor(engine, LENGTH);
  const question = tokensFor(engine, 10, 7);
  const name = JSON.stringify(choices);
  const streaming = { method: "streaming", every: STEP };

  /** The schedules that the technique goes with; the first has to be one. */
  async function possible(schedules: readonly unknown[]): Promise<unknown[]> {
    const found: unknown[] = [];
    for (const schedule of schedules)
      try {
        const session = await engine.session({ plan: planOf({ budget: BUDGET, schedule }) });
        await session.dispose();
        found.push(schedule);
      } catch (error) {
        if (!(error instanceof InputError) || schedule === "after-prefill") throw error;
      }
    return found;
  }

  return [
    {
      title: `${name}: a budget of the whole length gives the logits of the full cache, bit for bit`,
      run: async () => {
        const expected = await fullAnswer(engine, whole, tokenIds, question);
        for (const schedule of await possible(["after-prefill", streaming, "layer-major"])) {
          const got = await answer(engine, planOf({ budget: LENGTH + 10, schedule }), tokenIds, question);
          assert.deepEqual(got.logits, expected.logits);
        }
      },
    },
    {
      title: `${name}: ${BUDGET} slots per head on average are kept, sinks and window among them, and pages fall to what that takes`,
      run: async () => {
        const { kept, pages } = await answer(engine, planOf({ budget: BUDGET }), tokenIds, []);
        const dropping = kept.filter(({ drops }) => drops);
        const total = dropping.reduce((sum, { positions }) => sum + positions.length, 0);
        assert.ok(total <= BUDGET * dropping.length, `${total} slots are kept, ${BUDGET * dropping.length} may be`);
        assert.ok(
          total > 0.95 * BUDGET * dropping.length,
          `only ${total} slots are kept of ${BUDGET * dropping.length}`,
        );
        for (const { positions, layer, kvHead } of dropping) {
          const held = new Set(positions);
          for (let position = 0; position < LENGTH; position++)
            if (position < SINKS || position >= LENGTH - WINDOW)
              assert.ok(held.has(position), `layer ${layer}, head ${kvHead}: position ${position} was dropped`);
        }
        // Whole pages, one that is not full, one that is open.
        const most = kept.reduce((sum, { positions }) => sum + Math.ceil(positions.length / 64) + 2, 0);
        assert.ok(pages <= most, `${pages} pages are held for what fits ${most}`);
      },
    },
    {
      title: `${name}: the same slots are kept and the same logits follow whatever the chunks, bit for bit`,
      run: async () => {
        for (const schedule of await possible(["after-prefill", streaming])) {
          const plan = planOf({ budget: BUDGET, schedule });
          const reference = await answer(engine, plan, tokenIds, question);
          const got = await answer(engine, plan, tokenIds, question, 50);
          assert.deepEqual(got.kept, reference.kept);
          assert.deepEqual(got.logits, reference.logits);
        }
      },
    },
    {
      title: `${name}: dropping in a fork leaves the session as it was, and gives what dropping in the session gives`,
      run: async () => {
        const cache = planOf({ budget: BUDGET }).cache;
        const session = await engine.session({ plan: whole, collect: [cache] });
        await session.prefill(tokenIds);
        const fork = await session.fork();
        await fork.compress(cache);
        const dropped = await fork.kept();
        await fork.dispose();
        const untouched = await session.fork();
        const { logits } = await fullAnswer(engine, whole, tokenIds, question);
        assert.deepEqual(await logitsAfter(untouched, question), logits);
        await session.compress(cache);
        assert.deepEqual(await session.kept(), dropped);
        for (const each of [session, untouched]) await each.dispose();
      },
    },
    {
      title: `${name}: layer by layer keeps the same slots and gives the same logits as after the prefill, bit for bit`,
      run: async () => {
        const expected = await answer(engine, planOf({ budget: BUDGET }), tokenIds, question);
        for (const schedule of await possible(["layer-major"])) {
          const got = await answer(engine, planOf({ budget: BUDGET, schedule }), tokenIds, question);
          assert.deepEqual(got.kept, expected.kept);
          assert.deepEqual(got.logits, expected.logits);
        }
      },
    },
    {
      title: `${name}: streaming never holds more than the budget and one step, and goes on to answer`,
      run: async () => {
        if ((await possible([streaming])).length === 0) return;
        const session = await engine.session({ plan: planOf({ budget: BUDGET, schedule: streaming }) });
        for (let first = 0; first < LENGTH; first += 90) {
          await session.prefill(tokenIds.slice(first, first + 90));
          const kept = (await session.kept()).filter(({ drops }) => drops);
          const total = kept.reduce((sum, { positions }) => sum + positions.length, 0);
          assert.ok(total <= (BUDGET + STEP) * kept.length, `${total} slots at ${first + 90} tokens`);
        }
        const logits = await logitsAfter(session, question);
        assert.ok(logits.every(Number.isFinite));
        await session.dispose();
      },
    },
  ];
}

interface Answer {
  readonly logits: Float32Array;
  readonly kept: readonly KeptSlots[];
  readonly pages: number;
}

/** What the full cache makes of the suite's text, the same for all techniques: once for each engine and format. */
async function fullAnswer(
  engine: Engine,
  plan: Plan,
  tokenIds: readonly number[],
  question: readonly number[],
): Promise<Answer> {
  const known = fullAnswers.get(engine) ?? new Map<string, Promise<Answer>>();
  fullAnswers.set(engine, known);
  const key = JSON.stringify(plan.cache);
  const found = known.get(key) ?? answer(engine, plan, tokenIds, question);
  known.set(key, found);
  return found;
}
const fullAnswers = new WeakMap<Engine, Map<string, Promise<Answer>>>();

/** Reads a text, then a question that nothing is dropped for. */
async function answer(
  engine: Engine,
  plan: Plan,
  tokenIds: readonly number[],
  question: readonly number[],
  prefillChunk?: number,
): Promise<Answer> {
  const session = await engine.session({ plan, ...(prefillChunk && { prefillChunk }) });
  await session.prefill(tokenIds);
  const kept = await session.kept();
  const { pages } = await session.memory();
  const logits = question.length > 0 ? await logitsAfter(session, question) : new Float32Array(0);
  await session.dispose();
  return { logits, kept, pages };
}

async function logitsAfter(session: Session, question: readonly number[]): Promise<Float32Array> {
  let last = new Float32Array(0);
  await session.prefill(question, {
    compress: false,
    onLogits: (logits) => {
      last = Float32Array.from(logits);
    },
  });
  return last;
}

/** Tokens that repeat a little, as text does. */
function tokensFor({ model }: Engine, length: number, seed = 1): number[] {
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return state / 2 ** 31;
  };
  const ids: number[] = [];
  while (ids.length < length)
    ids.push(ids.length > 20 && next() < 0.4 ? ids[ids.length - 17] : Math.floor(next() * model.vocabularySize));
  return ids;
}
