/** Prompts read into one session, each from where it begins as the one before did: samples that share a context read it once. */
import type { Plan } from "../../context/plan.ts";
import { readingPlan } from "../../context/reading-plan.ts";
import { commonPrefix, LEAST_REST } from "../../engine/shared-prefix.ts";
import type { Engine, Session } from "../../engine/types.ts";
import type { GenerationRequest } from "../types.ts";

export class Reading {
  readonly session: Session;
  private held: Int32Array = new Int32Array(0);
  private readers: number;

  private constructor(session: Session, readers: number) {
    this.session = session;
    this.readers = readers;
  }

  /** For plans that read alike. */
  static async open(engine: Engine, plans: readonly Plan[]): Promise<Reading> {
    const { plan } = readingPlan(plans[0]);
    const collect = plans.filter((plan) => readingPlan(plan).dropsAfter).map(({ cache }) => cache);
    return new Reading(await engine.session({ plan, collect }), plans.length);
  }

  /** Gives how many of the tokens were read before. */
  async read(
    ids: Int32Array,
    { signal, onProgress }: Pick<GenerationRequest, "signal" | "onProgress">,
  ): Promise<number> {
    const { session } = this;
    const common = commonPrefix(this.held, ids);
    if (common === ids.length && common === this.held.length) return common;
    const cached = await session.truncate(Math.max(0, Math.min(common, ids.length - LEAST_REST)));
    this.held = ids.slice(0, cached);
    await session.prefill(ids.subarray(cached), {
      signal,
      onProgress: (done) => {
        this.held = ids.slice(0, cached + done);
        onProgress?.(done);
      },
    });
    return cached;
  }

  /** Closes the session when the last of its readers lets go. */
  async release(): Promise<void> {
    if (--this.readers === 0) await this.session.dispose();
  }
}
