/** Prompts read into one session, each from where it begins as the one before did: samples that share a context read it once. */
import type { Plan } from "../../context/plan.ts";
import { readingPlan } from "../../context/reading-plan.ts";
import { commonPrefix, LEAST_REST } from "../../engine/shared-prefix.ts";
import type { BlockStore, Engine, Session } from "../../engine/types.ts";
import type { GenerationRequest } from "../types.ts";

/** Fewer tokens in common are given up where a store may know the whole beginning: it is asked at the start of a text only. */
const WORTH_KEEPING = 64;

export class Reading {
  readonly session: Session;
  private readonly hasStore: boolean;
  private held: Int32Array = new Int32Array(0);
  private readers: number;

  private constructor(session: Session, readers: number, hasStore: boolean) {
    this.session = session;
    this.hasStore = hasStore;
    this.readers = readers;
  }

  /** For plans that read alike. What the store knows of a prompt is not read, and what is read goes there. */
  static async open(engine: Engine, plans: readonly Plan[], store?: BlockStore): Promise<Reading> {
    const { plan } = readingPlan(plans[0]);
    const collect = plans.filter((plan) => readingPlan(plan).dropsAfter).map(({ cache }) => cache);
    return new Reading(await engine.session({ plan, collect, store }), plans.length, store !== undefined);
  }

  /** Gives how many of the tokens were read before. */
  async read(
    ids: Int32Array,
    { signal, onProgress }: Pick<GenerationRequest, "signal" | "onProgress">,
  ): Promise<number> {
    const { session } = this;
    const common = commonPrefix(this.held, ids);
    if (common === ids.length && common === this.held.length) return common;
    const isWorthKeeping = common >= WORTH_KEEPING || !this.hasStore;
    const kept = isWorthKeeping ? Math.max(0, Math.min(common, ids.length - LEAST_REST)) : 0;
    const cached = await session.truncate(kept);
    this.held = ids.slice(0, cached);
    await session.prefill(ids.subarray(cached), {
      signal,
      onProgress: (done) => {
        this.held = ids.slice(0, cached + done);
        onProgress?.(done);
      },
    });
    return cached + (cached === 0 ? session.restored : 0);
  }

  /** Closes the session when the last of its readers lets go. */
  async release(): Promise<void> {
    if (--this.readers === 0) await this.session.dispose();
  }
}
