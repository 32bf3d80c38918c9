/** Guessing changes how many steps are taken, and nothing else: tokens, log probabilities, text and what the session holds. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import fc from "fast-check";
import { type Engine, type GenerateOptions, type Plan, parsePlan, type Session } from "../../src/index.ts";
import { loadTiny, randomIds, readLogits, textOf } from "../support/sessions.ts";
import { untilStop } from "../support/stops.ts";

const engines = [await loadTiny("qwen2-q8_0"), await loadTiny("gemma3-f16")];
after(() => Promise.all(engines.map((engine) => engine.dispose())));

const lookup = { method: "prompt-lookup" };
const guessing = [
  {},
  { cache: { format: "f32" } },
  { cache: { format: "q4" }, position: { method: "yarn", factor: 4 } },
  { cache: { score: "key-diff", budget: 96, window: 16 } },
  { cache: { score: "key-norm", budget: 120, window: 16, schedule: { method: "every-n", every: 64 } } },
  { prefill: { method: "sink-window" } },
  { decode: { method: "page-topk", budget: 256, denseLayers: 0, every: 3, window: 64 } },
  { prefill: { select: { method: "fastkv", keep: 0.5, window: 8, least: 32 } } },
  { prefill: { select: { method: "gemfilter", keep: 0.5, least: 32 } } },
];
/** Plans of sessions that gather what a cut would not undo. */
const plain = [
  { cache: { score: "snapkv", budget: 96, window: 16 } },
  { cache: { score: "attention-sum", budget: 120, window: 16, schedule: { method: "every-n", every: 64 } } },
  { position: { method: "self-extend" } },
];

function pairOf(plan: object, speculate: object = lookup): { without: Plan; with: Plan } {
  return { without: parsePlan(plan), with: parsePlan({ ...plan, speculate }) };
}

interface Case {
  readonly plan: number;
  readonly period: number;
  readonly length: number;
  readonly options: GenerateOptions;
  /** With the logits of these many tokens raised, what is written repeats itself. */
  readonly favoured: number;
  /** Tokens after which the reader stops, and goes on with another generate(). */
  readonly leaveAt: number;
  readonly speculate: object;
}

const cases: fc.Arbitrary<Case> = fc.record({
  plan: fc.nat(guessing.length - 1),
  period: fc.integer({ min: 2, max: 20 }),
  length: fc.oneof(fc.integer({ min: 1, max: 200 }), fc.constantFrom(62, 63, 64, 600, 700)),
  favoured: fc.constantFrom(0, 1, 2, 4),
  leaveAt: fc.integer({ min: 1, max: 120 }),
  options: fc.record({
    maxTokens: fc.integer({ min: 1, max: 80 }),
    temperature: fc.constantFrom(0, 0.5, 1),
    seed: fc.nat(5),
    frequencyPenalty: fc.constantFrom(0, 0.2),
    presencePenalty: fc.constantFrom(0, 0.5),
    ignoreEnd: fc.boolean(),
  }),
  speculate: fc.constantFrom<object>(
    lookup,
    { ...lookup, longest: 2, shortest: 1, draft: 15 },
    { ...lookup, longest: 5, shortest: 5 },
  ),
});

function promptOf(engine: Engine, { period, length }: Case): number[] {
  const unit = randomIds(engine, period, 1);
  return Array.from({ length }, (_, i) => unit[i % period]);
}

function optionsOf(engine: Engine, { options, favoured }: Case): GenerateOptions {
  const ids = randomIds(engine, favoured, 2);
  // One of them ends the text, now and then.
  const [end] = engine.tokenizer.endIds;
  const logitBias = { ...Object.fromEntries(ids.map((id) => [id, 12])), [end]: favoured > 0 ? 10 : 0 };
  return { ...options, logitBias, logProbs: 3 };
}

/** Tokens as they come, with the session's length at that moment; at most `most` of them are taken. */
async function written(session: Session, options: GenerateOptions, most = Number.POSITIVE_INFINITY) {
  const tokens: unknown[] = [];
  for await (const token of session.generate(options)) {
    tokens.push({ ...token, length: session.length });
    if (tokens.length >= most) break;
  }
  return tokens;
}

/** All that can be told of a session: its tokens' slots and what comes next, bit for bit. */
async function stateOf(engine: Engine, session: Session) {
  const { length } = session;
  const kept = await session.kept();
  const next = length < session.contextLength ? await readLogits(engine, session, [1]) : [];
  return { length, kept, next };
}

async function open(engine: Engine, plan: Plan, prompt: readonly number[], trace = false): Promise<Session> {
  const session = await engine.session({ plan, trace });
  await session.prefill(prompt);
  return session;
}

let accepted = 0;
let rejected = 0;

for (const [i, engine] of engines.entries())
  test(`${engine.model.name}: tokens, log probabilities, lengths and the session afterwards are those of one token a step, bit for bit, also if the reader stops early and goes on`, () =>
    fc.assert(
      fc.asyncProperty(cases, async (given) => {
        const plans = pairOf(guessing[given.plan], given.speculate);
        const options = optionsOf(engine, given);
        const run = async (plan: Plan) => {
          const session = await open(engine, plan, promptOf(engine, given));
          const first = await written(session, options, given.leaveAt);
          const more = await written(session, { ...options, maxTokens: 20, seed: 9 });
          const { speculation } = session;
          const state = await stateOf(engine, session);
          await session.dispose();
          return { wrote: [first, more, state], speculation };
        };
        const guessed = await run(plans.with);
        const one = await run(plans.without);
        assert.deepEqual(guessed.wrote, one.wrote);
        assert.equal(one.speculation, undefined);
        assert.ok(guessed.speculation);
        accepted += guessed.speculation.accepted;
        rejected += guessed.speculation.drafted - guessed.speculation.accepted;
      }),
      { numRuns: [10, 6][i], seed: i + 1 },
    ));

test("of all these guesses at least 100 were right and 60 wrong", () => {
  assert.ok(accepted > 100 && rejected > 60, `${accepted} right, ${rejected} wrong`);
});

const [engine] = engines;
/** Few tokens come, again and again, but not always the same ones. */
const repeating: GenerateOptions = {
  ...{ temperature: 0.5, seed: 3, maxTokens: 80 },
  logitBias: Object.fromEntries(randomIds(engine, 3, 2).map((id) => [id, 12])),
};
const prompt = Array.from({ length: 90 }, (_, i) => randomIds(engine, 7, 1)[i % 7]);
const both = pairOf({});

/** Runs the same with a plan that guesses and one that does not; gives what came of guessing. */
async function alike(plans: { without: Plan; with: Plan }, run: (session: Session) => Promise<unknown>, trace = false) {
  const results = [];
  for (const plan of [plans.with, plans.without]) {
    const session = await open(engine, plan, prompt, trace);
    results.push({ result: [await run(session), await stateOf(engine, session)], counts: session.speculation });
    await session.dispose();
  }
  const [guessed, one] = results;
  assert.deepEqual(guessed.result, one.result);
  assert.ok(guessed.counts);
  return guessed.counts;
}

test("steps and right guesses together are the tokens", async () => {
  const { steps, drafted, accepted } = await alike(both, async (session) => (await written(session, repeating)).length);
  assert.equal(steps + accepted, 80);
  assert.ok(accepted > 20 && drafted >= accepted, `${accepted} of ${drafted}`);
});

test("text ends before the stop string that is complete first, and the session holds no token more than without guesses", async () => {
  const session = await open(engine, both.without, prompt);
  const whole = await textOf(session, repeating);
  await session.dispose();
  let right = 0;
  for (const [begin, length] of [
    [3, 2],
    [20, 5],
    [40, 3],
    [60, 12],
  ]) {
    const stop = [whole.slice(begin, begin + length)];
    const { accepted } = await alike(both, async (session) => {
      const text = await textOf(session, { ...repeating, stop });
      assert.equal(text, untilStop(whole, stop));
      return [text, session.length];
    });
    right += accepted;
  }
  assert.ok(right > 20, `${right} right guesses`);
});

test("an abort after any token rejects there, and leaves that many tokens", async () => {
  for (const most of [1, 2, 5, 17, 40])
    await alike(both, async (session) => {
      const abort = new AbortController();
      let tokens = 0;
      const writing = (async () => {
        for await (const _ of session.generate({ ...repeating, signal: abort.signal }))
          if (++tokens === most) abort.abort();
      })();
      await assert.rejects(writing, { name: "AbortError" });
      return [tokens, session.length];
    });
});

test("the context is filled to its last token, and no further", async () => {
  const { contextLength } = engine.model;
  const session = await open(
    engine,
    both.with,
    Array.from({ length: contextLength - 50 }, (_, i) => prompt[i % 90]),
  );
  const tokens = await written(session, { ...repeating, maxTokens: undefined });
  assert.deepEqual([tokens.length, session.length], [50, contextLength]);
  assert.ok(session.speculation && session.speculation.accepted > 5);
  await session.dispose();
});

test("with a constraint nothing is guessed, and what is written is what it allows", async () => {
  const [a, b] = randomIds(engine, 2, 5);
  const mask = new Uint32Array(Math.ceil(engine.model.vocabularySize / 32));
  for (const id of [a, b]) mask[id >> 5] |= 1 << (id & 31);
  const { drafted } = await alike(both, (session) =>
    written(session, { ...repeating, constraint: { mask: () => mask, accept: () => {} } }),
  );
  assert.equal(drafted, 0);
});

test("sessions that gather or choose while they write take plain steps, and so does one that is traced", async () => {
  for (const plan of plain)
    assert.equal(
      (await alike(pairOf(plan), (session) => written(session, repeating))).drafted,
      0,
      JSON.stringify(plan),
    );
  const traced = await alike(
    both,
    async (session) => {
      await written(session, repeating);
      return session.trace();
    },
    true,
  );
  assert.equal(traced.drafted, 0);
});

test("five sessions written together, three of which guess, write what each writes alone", async () => {
  const plans = [both.with, both.without, both.with, both.with, parsePlan(plain[0])];
  const write = async (plan: Plan, i: number) => {
    const session = await open(engine, plan, prompt.slice(i));
    const tokens = await written(session, { ...repeating, seed: i, maxTokens: 30 + 10 * i, logProbs: 2 });
    const state = await stateOf(engine, session);
    await session.dispose();
    return [tokens, state];
  };
  const alone = [];
  for (const [i, plan] of plans.entries()) alone.push(await write(plan, i));
  assert.deepEqual(await Promise.all(plans.map(write)), alone);
});

test("a fork, a session that links, and one that was cut know their text: they guess right, and write what they would write", async () => {
  const begin = async (session: Session) => {
    await written(session, repeating);
    return session.length;
  };
  const counts = [
    await alike(both, async (session) => {
      const length = await begin(session);
      const fork = await session.fork();
      const tokens = await written(fork, { ...repeating, seed: 4 });
      const { speculation } = fork;
      await fork.dispose();
      assert.ok(!speculation || speculation.accepted > 20, JSON.stringify(speculation));
      return [length, tokens];
    }),
    await alike(both, async (session) => {
      const linking = await engine.session({ plan: session.plan });
      await linking.link(session, { start: 0, end: 64 });
      await linking.prefill(prompt.slice(64));
      const tokens = await written(linking, repeating);
      const { speculation } = linking;
      await linking.dispose();
      assert.ok(!speculation || speculation.accepted > 20, JSON.stringify(speculation));
      return tokens;
    }),
    await alike(both, async (session) => {
      await begin(session);
      await session.truncate(64);
      await session.prefill(prompt.slice(64));
      return written(session, repeating);
    }),
  ];
  assert.ok(counts[2].accepted > 60, JSON.stringify(counts[2]));
});

test("drafts of the model itself with 320 of 700 tokens in sight: what full attention writes, with guesses right and wrong", async () => {
  const decode = { method: "page-topk", budget: 256, denseLayers: 0, window: 64 };
  const plans = pairOf({}, { method: "self-speculate", draft: 5 });
  const itself = parsePlan({ decode, speculate: plans.with.speculate });
  const write = async (plan: Plan, options: GenerateOptions, most?: number) => {
    const session = await open(engine, plan, randomIds(engine, 700, 3));
    const tokens = [await written(session, options, most), await written(session, { ...options, maxTokens: 20 })];
    const state = await stateOf(engine, session);
    const { speculation } = session;
    await session.dispose();
    return { wrote: [tokens, state], speculation };
  };
  let [right, wrong] = [0, 0];
  for (const options of [{ maxTokens: 80 }, { maxTokens: 80, temperature: 1, seed: 3 }]) {
    for (const most of [undefined, 9]) {
      const one = await write(plans.without, { ...options, logProbs: 3 }, most);
      const guessed = await write(itself, { ...options, logProbs: 3 }, most);
      assert.deepEqual(guessed.wrote, one.wrote);
      const { drafted, accepted } = guessed.speculation ?? { drafted: 0, accepted: 0 };
      right += accepted;
      wrong += drafted - accepted;
    }
  }
  assert.ok(right > 50 && wrong > 20, `${right} right, ${wrong} wrong`);
  const full = await write(plans.with, { maxTokens: 20 });
  assert.equal(full.speculation?.drafted, 0, "without a choice of pages nothing is drafted");
});
