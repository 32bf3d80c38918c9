/** Prompts read into one session, each from where it begins as the one before did: samples that share a context read it once. */
import type { Plan } from "../../context/plan.ts";
import { readingPlan } from "../../context/reading-plan.ts";
import { commonPrefix, LEAST_REST } from "../../engine/shared-prefix.ts";
import type { BlockStore, Engine, Session } from "../../engine/types.ts";
import type { GenerationRequest } from "../types.ts";

/** Tokens of a prompt that may be left to read before a store is asked, which may know more: two of its blocks. */
const SHORT_REST = 128;
/** Or this share of the prompt: loading takes about a fiftieth of reading, and a store gives all from the beginning on. */
const SHORT_SHARE = 1 / 64;

export class Reading {
  readonly session: Session;
  /** Whether there is a store, and it keeps what this plan reads. */
  private asksStore: boolean;
  private held: Int32Array = new Int32Array(0);
  private readers: number;

  private constructor(session: Session, readers: number, hasStore: boolean) {
    this.session = session;
    this.asksStore = hasStore;
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
    const isWorthKeeping = !this.asksStore || ids.length - common <= Math.max(SHORT_REST, ids.length * SHORT_SHARE);
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
    if (cached > 0) return cached;
    // What was read a moment ago should have been there: some plans' pages are never stored.
    if (common >= SHORT_REST && session.restored === 0) this.asksStore = false;
    return session.restored;
  }

  /** Closes the session when the last of its readers lets go. */
  async release(): Promise<void> {
    if (--this.readers === 0) await this.session.dispose();
  }
}
