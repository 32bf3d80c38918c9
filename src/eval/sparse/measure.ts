/**
 * What sparse prefills cost and save on one text. Full attention reads it once, every plan once; along the last tokens a fork of the
 * full reading and the plan's session go in lock step. A plan reads the text from its beginning, because what early layers leave out
 * changes what later ones see.
 */
import { defaultPlan } from "../../context/plan.ts";
import type { Engine, Session } from "../../engine/types.ts";
import { InputError } from "../../runtime/errors.ts";
import { divergenceOf } from "../kv-quality/divergence.ts";
import { inSession } from "../pareto/trial.ts";
import { compareAlong } from "./lockstep.ts";
import { expectMeasurable, firstCompared } from "./plans.ts";
import { densityOf, headsOf, recallOf } from "./summary.ts";
import type { NamedPlan, SparseOptions, SparseResult, SparseRow } from "./types.ts";

export async function measureSparse(engine: Engine, options: SparseOptions): Promise<SparseResult> {
  const { tokenIds, plans, last, signal, onRow, onProgress } = options;
  const { name, contextLength } = engine.model;
  const lengths = [...options.lengths].sort((a, b) => a - b);
  expectMeasurable({ lengths, last, plans, contextLength });
  const needed = lengths[lengths.length - 1] + 1;
  if (tokenIds.length < needed)
    throw new InputError(`sparse: expected a text of ${needed} tokens, got ${tokenIds.length}. Give a longer one.`, {
      expected: needed,
      got: tokenIds.length,
    });
  const total = lengths.reduce(
    (sum, tokens) => sum + plans.length * (tokens + tokens - firstCompared(tokens, last)),
    firstCompared(needed - 1, last),
  );
  let done = 0;
  const progress = (tokens: number) => onProgress?.(done + tokens, total);
  const count = (tokens: number) => {
    done += tokens;
    progress(0);
  };

  const rows: SparseRow[] = [];
  await inSession(engine.session({ plan: defaultPlan }), async (full) => {
    let fullSeconds = 0;
    for (const tokens of lengths) {
      const first = firstCompared(tokens, last);
      const more = tokenIds.subarray(full.length, first);
      const begun = { signal, compress: false, onProgress: progress };
      if (more.length > 0) fullSeconds += await secondsOf(() => full.prefill(more, begun));
      count(more.length);
      for (const plan of plans) {
        const text = tokenIds.subarray(0, tokens + 1);
        const row = await comparePlan(engine, full, plan, text, { first, signal, onProgress: progress });
        count(tokens + tokens - first);
        rows.push({ ...row, fullSeconds });
        await onRow?.(rows[rows.length - 1]);
      }
    }
  });
  return { model: name, rows };
}

/** `full` holds the text's first tokens. Progress is in tokens that the plan and the fork of `full` read. */
async function comparePlan(
  engine: Engine,
  full: Session,
  { name, plan }: NamedPlan,
  tokenIds: Int32Array,
  { first, signal, onProgress }: { first: number; signal?: AbortSignal; onProgress(done: number): void },
): Promise<Omit<SparseRow, "fullSeconds">> {
  const tokens = tokenIds.length - 1;
  return inSession(engine.session({ plan, recall: true }), async (session) => {
    const before = tokenIds.subarray(0, first);
    const options = { signal, compress: false, tokensAfter: tokens - first, onProgress };
    const seconds = await secondsOf(() => session.prefill(before, options));
    const recallSeconds = (await session.recall()).reduce((sum, head) => sum + head.seconds, 0);
    const steps = await inSession(full.fork(), (reference) => {
      const along = { signal, onProgress: (done: number) => onProgress(first + 2 * done) };
      return compareAlong(reference, session, tokenIds.subarray(first), along);
    });
    const divergence = divergenceOf([{ group: name, steps }]);
    if (!divergence) throw new Error("sparse: no tokens were compared");
    const { kl, top1, perplexityRatio } = divergence;
    const [pages, recalled] = [await session.seenPages(), await session.recall()];
    const recall = recallOf(recalled, plan);
    return {
      ...{ name, plan, tokens, compared: steps.length },
      ...{ kl: kl.mean, p99Kl: kl.p99, top1: top1.mean, perplexityRatio },
      density: densityOf(pages),
      ...(recall && { recall }),
      heads: headsOf(pages, recalled),
      seconds: seconds - recallSeconds,
    };
  });
}

async function secondsOf(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}
