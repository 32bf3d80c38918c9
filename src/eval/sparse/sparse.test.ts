/** What sparse prefills cost, on tiny models, against whole readings whose logits are all kept. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { klDivergence } from "../../../test/support/kl.ts";
import { loadTiny, randomIds, readLogits } from "../../../test/support/sessions.ts";
import type { Engine, RecalledHead } from "../../engine/types.ts";
import { CapacityError, InputError } from "../../runtime/errors.ts";
import { measureSparse, namedPlan, SparseTable, sparseHeading, sparsePicture, standardPlans } from "./index.ts";
import { headsOf, recallOf } from "./summary.ts";
import type { SparseOptions, SparseRow } from "./types.ts";

const engine = await loadTiny("qwen2-q8_0");
const gemma = await loadTiny("gemma3-f16");
after(() => Promise.all([engine.dispose(), gemma.dispose()]));

const tokenIds = Int32Array.from(randomIds(engine, 701, 1));
const blockSparse = { method: "block-sparse", mass: 0.5, stride: 8, denseBelow: 0 };
/** Its last blocks see all of the prompt, however it is cut. */
const triangle = { method: "triangle", from: 0, window: 64, last: 128, denseBelow: 0 };
const plansOf = (...prefills: object[]) => prefills.map((prefill) => namedPlan({ prefill }));

function measure(options: Partial<SparseOptions>, from: Engine = engine) {
  return measureSparse(from, { tokenIds, lengths: [700], last: 200, plans: plansOf(blockSparse), ...options });
}

/** All but the seconds, which differ from run to run. */
function figuresOf({ seconds, fullSeconds, ...figures }: SparseRow) {
  return figures;
}

async function logitsUnder(plan: SparseRow["plan"]): Promise<Float32Array[]> {
  const session = await engine.session({ plan });
  const rows = await readLogits(engine, session, tokenIds.slice(0, 700));
  await session.dispose();
  return rows;
}

test("KL within 1e-9 nats and agreement are those of two readings in one call each, for the tokens from a page's beginning on", async () => {
  const { rows } = await measure({ plans: plansOf(blockSparse, triangle) });
  const full = await logitsUnder(namedPlan({}).plan);
  for (const { plan, name, kl, p99Kl, top1, compared, tokens } of rows) {
    assert.deepEqual({ tokens, compared }, { tokens: 700, compared: 700 - 512 });
    const own = await logitsUnder(plan);
    const divergences = full.map((row, i) => klDivergence(row, own[i])).slice(512);
    const mean = divergences.reduce((sum, each) => sum + each, 0) / compared;
    assert.ok(mean > 1e-4 && Math.abs(kl - mean) < 1e-9, `${name}: ${kl}, not ${mean}`);
    assert.ok(p99Kl > mean && p99Kl <= Math.max(...divergences), `${name}: p99 ${p99Kl}`);
    const indexOfMost = (row: Float32Array) => row.indexOf(Math.max(...row));
    const same = full.filter((row, i) => i >= 512 && indexOfMost(row) === indexOfMost(own[i])).length;
    assert.equal(top1, same / compared);
  }
});

for (const prefill of [
  { method: "block-sparse", mass: 1, denseBelow: 0 },
  { method: "flex", mass: 1, span: 64, denseBelow: 0 },
])
  test(`${prefill.method} at mass 1 has KL 0, agreement 1, density 1 and recall 1`, async () => {
    const { rows } = await measure({ plans: plansOf(prefill) });
    const [{ kl, p99Kl, top1, perplexityRatio, density, recall, heads }] = rows;
    assert.deepEqual(
      { kl, p99Kl, top1, perplexityRatio, density },
      { kl: 0, p99Kl: 0, top1: 1, perplexityRatio: 1, density: 1 },
    );
    assert.deepEqual([recall?.median, recall?.share, recall?.threshold], [1, 1, 0.95]);
    assert.ok(heads.length === 42 && heads.every((head) => head.density === 1 && head.recall === 1));
  });

test("density and recall by head are what a session under the plan tells of a whole reading; a plan that leaves nothing out has density 1 and no recall", async () => {
  const plans = [...plansOf(blockSparse), namedPlan({})];
  const [row, nothing] = (await measure({ plans })).rows;
  const session = await engine.session({ plan: row.plan, recall: true });
  await session.prefill(tokenIds.subarray(0, 700));
  const [pages, recalled] = [await session.seenPages(), await session.recall()];
  await session.dispose();
  assert.deepEqual(row.heads, headsOf(pages, recalled));
  const sum = (key: "seen" | "all") => pages.reduce((total, head) => total + head[key], 0);
  assert.ok(row.density === sum("seen") / sum("all") && row.density < 0.8, `${row.density}`);
  assert.deepEqual(row.recall, recallOf(recalled, row.plan));
  assert.ok(row.recall && row.recall.median < 1 && row.recall.rows === recalled.length * recalled[0].shares.length);
  assert.deepEqual([nothing.density, nothing.recall, nothing.heads, nothing.kl], [1, undefined, [], 0]);
});

test("lengths that share a full reading have the figures that each has alone; every token that is read counts as progress", async () => {
  const calls: [number, number][] = [];
  const seen: number[] = [];
  const lengths = [700, 450];
  const both = await measure({
    lengths,
    onProgress: (...call) => calls.push(call),
    onRow: ({ tokens }) => {
      seen.push(tokens);
    },
  });
  assert.deepEqual(seen, [450, 700]);
  for (const [i, length] of [450, 700].entries())
    assert.deepEqual(figuresOf((await measure({ lengths: [length] })).rows[0]), figuresOf(both.rows[i]));
  // Full attention to 512 once; each length by the plan, and from 256 and 512 on by forks of the full reading.
  const total = 512 + 450 + (450 - 256) + 700 + (700 - 512);
  assert.ok(calls.every(([done, of], i) => of === total && done >= (calls[i - 1]?.[0] ?? 0)));
  assert.equal(calls.at(-1)?.[0], total);
  assert.ok(both.rows[1].fullSeconds > both.rows[0].fullSeconds && both.rows.every(({ seconds }) => seconds > 0));
});

test("of a model with sliding windows, the heads of the layer without one are shown", async () => {
  const ids = Int32Array.from(randomIds(gemma, 601, 2));
  const { rows } = await measure({ tokenIds: ids, lengths: [600] }, gemma);
  assert.deepEqual(
    rows[0].heads.map(({ layer, head }) => [layer, head]),
    Array.from({ length: 6 }, (_, head) => [5, head]),
  );
});

test("recall: the median and the rows that reach the mass less 0.05, counted over all heads; 0.9 where a plan names no mass", () => {
  const shares = [
    [0.84, 0.86, 1],
    [0.2, 0.75],
  ];
  const recalled: RecalledHead[] = shares.map((each, head) => {
    return { layer: 0, head, shares: Float32Array.from(each), seconds: 0 };
  });
  const at = (prefill: object) => {
    const recall = recallOf(recalled, namedPlan({ prefill }).plan);
    return recall && [recall.rows, recall.median, recall.threshold, recall.share].map((figure) => Math.fround(figure));
  };
  const expected = (threshold: number, reached: number) => [5, 0.84, threshold, reached / 5].map(Math.fround);
  assert.deepEqual(at({ method: "sink-window" }), expected(0.9 - 0.05, 2));
  assert.deepEqual(at({ method: "block-sparse", mass: 0.8 }), expected(0.8 - 0.05, 4));
  assert.equal(
    recallOf([{ layer: 0, head: 0, shares: new Float32Array(0), seconds: 0 }], namedPlan({}).plan),
    undefined,
  );
});

test("plans are named by what they say, and the usual ones are one of each method", () => {
  assert.equal(namedPlan({ prefill: "flex" }).name, "flex");
  assert.equal(namedPlan({ prefill: { method: "triangle", window: 256 } }).name, "triangle window=256");
  assert.equal(namedPlan({ cache: { format: "f32" } }).name, 'full cache={"format":"f32"}');
  assert.deepEqual([...new Set(standardPlans.map(({ plan }) => plan.prefill.method))].sort(), [
    "block-sparse",
    "flex",
    "sink-window",
    "triangle",
    "vertical-slash",
  ]);
});

test("what cannot be measured is refused before anything is read, with what to do", async () => {
  const refused: [wanted: Partial<SparseOptions>, kind: new (message: string) => Error, message: RegExp][] = [
    [{ lengths: [9000] }, CapacityError, /9,000 tokens, the model's context is .* Give smaller --lengths/],
    [{ lengths: [200] }, InputError, /more than the last 200 tokens.*got 200\. Give greater --lengths/],
    [{ last: 63 }, InputError, /at least the last 64 tokens/],
    [{ plans: [] }, InputError, /at least one plan/],
    [{ tokenIds: tokenIds.subarray(0, 700) }, InputError, /a text of 701 tokens, got 700/],
    [
      { plans: [namedPlan({ prefill: { select: "gemfilter" } })] },
      InputError,
      /all go through all layers, got "full .*gemfilter/,
    ],
    [
      { plans: [namedPlan({ cache: { score: "key-diff", budget: 256 } })] },
      InputError,
      /drop nothing.*"key-diff".*eval pareto/,
    ],
  ];
  for (const [wanted, kind, message] of refused)
    await assert.rejects(
      measure({ ...wanted, onProgress: () => assert.fail("something was read") }),
      (error: Error) => error instanceof kind && message.test(error.message),
      message.source,
    );
});

test("a reading that is broken off leaves no session behind", async () => {
  const controller = new AbortController();
  const before = await engine.memory();
  const onRow = () => controller.abort(new Error("enough"));
  await assert.rejects(measure({ plans: plansOf(blockSparse, triangle), signal: controller.signal, onRow }), /enough/);
  assert.equal((await engine.memory()).cacheBytes, before.cacheBytes);
});

test("the table's lines are equally wide, and the picture has a cell for each head with its density", async () => {
  const { model, rows } = await measure({ plans: plansOf(blockSparse, triangle) });
  const table = new SparseTable(rows.map(({ name }) => name));
  const lines = [table.header(), ...rows.map((row) => table.row(row))];
  assert.equal(new Set(lines.map(({ length }) => length)).size, 1, lines.join("\n"));
  assert.match(lines[1], /^block-sparse mass=0\.5 .* %.* × *$/);
  assert.match(sparseHeading(rows[0]), /^700 tokens, .* last 188 compared; full attention read the 512 before/);
  const picture = sparsePicture({ model, rows });
  assert.match(picture, /^<svg .*<\/svg>$/s);
  for (const { heads, density } of rows) {
    assert.ok(picture.includes(`700 tokens, sees ${Math.round(100 * density)}%`));
    for (const head of heads)
      assert.ok(picture.includes(`layer ${head.layer}, head ${head.head}: sees ${Math.round(100 * head.density)}%`));
  }
  assert.equal(picture.split("<title>").length - 1, 84);
});
