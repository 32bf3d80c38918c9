/** Sweeps over ways of dropping, and memory traces, on a tiny model. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { loadTiny, randomIds } from "../../../test/support/sessions.ts";
import { parsePlan } from "../../context/plan.ts";
import { InputError } from "../../runtime/errors.ts";
import type { KvQualitySample } from "../kv-quality/index.ts";
import { memoryPicture } from "../memory/picture.ts";
import { memoryTrace, mostOf } from "../memory/trace.ts";
import { sweep, sweepPicture, sweepText } from "./index.ts";

const engine = await loadTiny("qwen2-q8_0");
after(() => engine.dispose());

const words = "the sand and the wind, on and on, another shore in the west; ";
const samples: KvQualitySample[] = [0, 1].map((i) => ({
  id: `tiny/${i}`,
  task: "tiny",
  parts: {
    context: Array.from({ length: 9 }, (_, line) => `${line}: ${words}`)
      .join("")
      .slice(13 * i),
    question: "What was said?",
  },
  references: [],
  maxTokens: 6,
}));
/** Whether the answer is that of the full cache. */
let first: string | undefined;
const score = (output: string, { id }: KvQualitySample) => {
  if (id !== "tiny/0") return { score: 0 };
  first ??= output;
  return { score: Number(output === first) };
};
const options = {
  samples,
  score,
  scores: ["snapkv", "random"],
  allocations: ["uniform", "adaptive"],
  sinks: 4,
  window: 20,
};

test("every score × allocation × share × question has a row; what keeps nearly all differs by less than what keeps a quarter", async () => {
  const calls: number[] = [];
  const result = await sweep(engine, {
    ...options,
    shares: [0.95, 0.25],
    questionKnown: [false, true],
    onProgress: (done, total) => {
      assert.equal(total, 32);
      calls.push(done);
    },
  });
  assert.equal(result.rows.length, 16);
  assert.equal(
    new Set(
      result.rows.map(({ quality, kl, seconds, ...row }) =>
        JSON.stringify([row.score, row.allocation, row.share, row.questionKnown]),
      ),
    ).size,
    16,
  );
  assert.equal(calls.at(-1), 32);
  const klOf = (share: number) => result.rows.filter((row) => row.share === share).reduce((sum, { kl }) => sum + kl, 0);
  assert.ok(klOf(0.95) < klOf(0.25) / 2, `${klOf(0.95)} against ${klOf(0.25)}`);
  assert.ok(result.rows.every(({ n, bytesShare }) => n === 2 && bytesShare > 0 && bytesShare <= 1));
  assert.equal(result.full.quality, 0.5);
  const text = sweepText(result);
  for (const expected of ["snapkv", "adaptive", "95.0 % kept, question not seen", "question seen by the scorer"])
    assert.ok(text.includes(expected), text);
  const picture = sweepPicture(result);
  assert.match(picture, /^<svg .*<\/svg>$/s);
  assert.equal(picture.split("question not seen").length - 1, 4, "two panels, each with a title and a label");
});

test("a sweep that goes on takes the samples that were tried as they are, and tries those that lack a plan", async () => {
  const once = { ...options, shares: [0.5], questionKnown: [false] };
  const sofar: number[] = [];
  const one = await sweep(engine, { ...once, samples: samples.slice(0, 1) });
  const marked = one.tried.map((sample) => ({ ...sample, full: 0.125 }));
  const two = await sweep(engine, { ...once, done: marked, onResult: ({ samples }) => sofar.push(samples) });
  assert.deepEqual(two.tried[0], marked[0]);
  assert.deepEqual(sofar, [2], "only the second sample was tried");
  const last = two.tried.slice(1);
  const held: object[][] = [];
  await sweep(engine, { ...once, done: last, onResult: ({ tried }) => held.push([...tried]) });
  assert.deepEqual(held[0].slice(1), last, "what was tried stays in every result, also behind what is tried now");
  const more = await sweep(engine, { ...once, samples: samples.slice(0, 1), done: marked, shares: [0.5, 0.25] });
  assert.notEqual(more.tried[0].full, 0.125, "a share is missing in what was tried: it is tried again");
});

test("a sweep over no samples is refused", async () => {
  const nothing = sweep(engine, { ...options, samples: [], shares: [0.5], questionKnown: [false] });
  await assert.rejects(
    nothing,
    (error) => error instanceof InputError && /^pareto: expected at least one/.test(error.message),
  );
});

test("while streaming, pages stop growing at the budget and one step; without a budget they grow with the text", async () => {
  const tokenIds = Int32Array.from(randomIds(engine, 900, 1));
  const streaming = {
    score: "key-diff",
    schedule: { method: "streaming", every: 64 },
    budget: 128,
    sinks: 4,
    window: 32,
  };
  const traceOf = (cache: object) => memoryTrace(engine, { plan: parsePlan({ cache }), tokenIds, step: 100 });
  const bounded = await traceOf(streaming);
  const all = await traceOf({});
  assert.equal(all.points.at(-1)?.pages, all.fullPages);
  assert.ok(mostOf(bounded).mostPages < all.fullPages / 2);
  const late = bounded.points.slice(3).map(({ pages }) => pages);
  assert.ok(Math.max(...late) - Math.min(...late) <= 0.5 * Math.max(...late), `${late}`);
  assert.match(memoryPicture(bounded), /nothing dropped/);
});
