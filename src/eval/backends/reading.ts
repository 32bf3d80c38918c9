/** Prompts read into one session, each from where it begins as the one before did: samples that share a context read it once. */
import type { Plan } from "../../context/plan.ts";
import { readingPlan, selects } from "../../context/reading-plan.ts";
import { commonPrefix, sharedTokens } from "../../engine/shared-prefix.ts";
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
  /** Whether the plan selected of what is held. */
  private isSelected = false;
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
    const isSelected = selects(session.plan, ids.length);
    const isKnown = !this.asksStore || ids.length - common <= Math.max(SHORT_REST, ids.length * SHORT_SHARE);
    const isWorthKeeping = isSelected ? this.isSelected : isKnown && !this.isSelected;
    const cached = await session.truncate(isWorthKeeping ? sharedTokens(this.held, ids, { selects: isSelected }) : 0);
    this.held = ids.slice(0, cached);
    this.isSelected = isSelected;
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
