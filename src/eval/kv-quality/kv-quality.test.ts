/** Plans against the reference on tiny models. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { loadTiny, planWith } from "../../../test/support/sessions.ts";
import { parsePlan } from "../../context/plan.ts";
import { InputError } from "../../runtime/errors.ts";
import {
  documentSample,
  exactPlan,
  type KvQualityResult,
  type KvQualitySample,
  kvQuality,
  kvQualityText,
} from "./index.ts";

const engine = await loadTiny("qwen2-q8_0");
const windowed = await loadTiny("gemma3-f16");
after(() => Promise.all([engine.dispose(), windowed.dispose()]));

const words = "the sand and the wind, on and on, another shore in the west; ";
const text = Array.from({ length: 9 }, (_, i) => `${i}: ${words}`).join("");
const samples: KvQualitySample[] = [0, 1].map((i) => ({
  id: `tiny/${i}`,
  task: "tiny",
  parts: { context: text.slice(13 * i), question: `What was said in line ${i}?`, answerPrefix: " It was" },
  continuation: " said that the wind went on and on",
  references: [],
  maxTokens: 12,
}));

/** Without what the clock says. */
function settled({ resources, questionKnown, ...result }: KvQualityResult) {
  const { cacheBytesPerToken, promptTokens, outputTokens } = resources.plan;
  return { ...result, plan: { cacheBytesPerToken, promptTokens, outputTokens } };
}

test("a plan against itself: a KL of exactly 0 at every step, the same top token and the same answers", async () => {
  for (const plan of [exactPlan, planWith("q8")]) {
    const {
      answer,
      continuation,
      agreement,
      samples: rows,
    } = await kvQuality(engine, { plan, reference: plan, samples });
    for (const divergence of [answer!, continuation!]) {
      assert.equal(divergence.kl.max, 0);
      assert.equal(divergence.top1.mean, 1);
      assert.equal(divergence.deltaP.rootMeanSquare, 0);
      assert.equal(divergence.perplexityRatio, 1);
    }
    assert.equal(agreement.exactMatch.mean, 1);
    assert.ok(rows.every(({ firstDivergence }) => firstDivergence === undefined));
    assert.ok(answer!.steps > 10 && continuation!.steps > 10);
  }
});

test("q8 pages against f32 pages: a small KL above zero at every step (1e-9 to 0.1), in 25 to 50 % of the bytes", async () => {
  const { answer, continuation, resources } = await kvQuality(engine, { plan: planWith("q8"), samples });
  for (const { kl } of [answer!, continuation!]) {
    assert.ok(kl.mean > 1e-9 && kl.max < 0.1, `${kl.mean} ${kl.max}`);
    assert.ok(kl.median <= kl.p90 && kl.p90 <= kl.p95 && kl.p95 <= kl.p99 && kl.p99 <= kl.max);
  }
  const share = resources.plan.cacheBytesPerToken / resources.reference.cacheBytesPerToken;
  assert.ok(share > 0.25 && share < 0.5, `${share}`);
  assert.ok(resources.plan.prefillSeconds > 0 && resources.plan.decodeSeconds > 0);
});

for (const [name, tiny, steps] of [
  ["qwen2", engine, 12],
  ["gemma3", windowed, 4],
] as const)
  test(`${name}: whether the question is known when the context is read changes nothing, bit for bit, with plans that drop nothing`, async () => {
    const plan = planWith("q8");
    const chosen = samples.slice(1).map((sample) => ({ ...sample, maxTokens: steps }));
    const before = await kvQuality(tiny, { plan, samples: chosen, questionKnown: false });
    const known = await kvQuality(tiny, { plan, samples: chosen, questionKnown: true });
    assert.equal(before.questionKnown, false);
    assert.deepEqual(settled(before), settled(known));
    assert.ok(before.answer!.kl.max > 0);
    for (const { contextTokens, promptTokens } of before.samples)
      assert.ok(contextTokens > 150 && promptTokens > contextTokens + 9);
  });

test("with a plan that drops it matters whether the scorer has seen the question, and dropping shows", async () => {
  const plan = parsePlan({ cache: { score: "snapkv", budget: 70, sinks: 4, window: 16 } });
  const results = await Promise.all(
    [false, true].map((questionKnown) => kvQuality(engine, { plan, samples: samples.slice(1), questionKnown })),
  );
  const [unseen, seen] = results.map(({ answer }) => answer!.kl.mean);
  assert.ok(unseen > 1e-3 && seen > 1e-3 && unseen !== seen, `${unseen} ${seen}`);
});

test("answers are scored with both plans, by task, with what is retained; the reference's score of 0 has no retention", async () => {
  const scored = [...samples, { ...samples[0], id: "other/0", task: "other" }];
  const plan = planWith("f32");
  const { tasks, samples: rows } = await kvQuality(engine, {
    plan,
    samples: scored,
    score: (output, sample) => ({ score: sample.task === "other" || output.length === 0 ? 0 : 1 }),
  });
  assert.deepEqual(
    tasks.map(({ task, n, reference, plan, retention, difference }) => ({
      task,
      n,
      reference,
      plan,
      retention,
      difference,
    })),
    [
      { task: "tiny", n: 2, reference: 1, plan: 1, retention: 1, difference: 0 },
      { task: "other", n: 1, reference: 0, plan: 0, retention: undefined, difference: 0 },
    ],
  );
  assert.deepEqual(rows[0].score, { reference: 1, plan: 1 });
});

test("a document is read up to a token and compared along what follows, cut inside characters or not", async () => {
  const options = { contextTokens: 101, continuationTokens: 30 };
  for (const [name, content] of [
    ["words", text],
    ["characters", "日本語の文章".repeat(20)],
  ]) {
    const sample = documentSample(engine.tokenizer, { name, text: content }, options);
    assert.ok(content.startsWith(sample.parts.context + sample.continuation!.slice(0, 5)));
    const { continuation } = await kvQuality(engine, { plan: planWith("q8"), samples: [sample] });
    assert.ok(continuation!.steps >= 30 && continuation!.steps <= 33, `${continuation!.steps}`);
  }
  assert.throws(() => documentSample(engine.tokenizer, { name: "short", text: "a b" }, options), /at least 131 tokens/);
});

test("no more steps than asked for; progress ends at all prompt tokens of both plans; an abort is passed on", async () => {
  const calls: [number, number][] = [];
  const plan = planWith("q8");
  const { answer, samples: rows } = await kvQuality(engine, {
    plan,
    samples,
    steps: 3,
    onProgress: (...call) => calls.push(call),
  });
  assert.equal(answer!.steps, 6);
  const total = 2 * rows.reduce((sum, { promptTokens }) => sum + promptTokens, 0);
  assert.deepEqual(calls.at(-1), [total, total]);
  assert.ok(calls.every(([done], i) => done > (calls[i - 1]?.[0] ?? 0)));
  const reason = new Error("enough");
  await assert.rejects(kvQuality(engine, { plan, samples, signal: AbortSignal.abort(reason) }), reason);
  await assert.rejects(kvQuality(engine, { plan, samples: [] }), InputError);
  await assert.rejects(kvQuality(engine, { plan, samples, steps: 0 }), /steps: expected/);
});

test("the text names both plans and shows divergence, answers, scores and what it cost; JSON keeps the result", async () => {
  const result = await kvQuality(engine, { plan: planWith("q8"), samples, score: () => ({ score: 1 }) });
  const shown = kvQualityText(result);
  assert.match(
    shown,
    /^KV quality of tiny qwen2: q8 pages against f32 pages\n2 prompts \(raw\), context read before the question/,
  );
  assert.match(shown, /reference's answer +\d+ +\S+/);
  assert.match(shown, /continuation +\d+ +\S+/);
  assert.match(shown, /same answer word for word: \d+\.\d % \(.+ … .+\) of 2/);
  assert.match(shown, /tiny +2 +100\.0 % +100\.0 % +100\.0 % +0\.0 /);
  assert.match(shown, /cache bytes\/token/);
  assert.deepEqual(JSON.parse(JSON.stringify(result)), result);
});
