/**
 * Sequences that are written at the same time take their steps together: weights are read once for a token of each. A step waits
 * for the others that are being written, but not long for one whose reader is slow.
 */
import type { ControllerMethods } from "./controller-methods.ts";
import type { Sampled } from "./log-probs.ts";
import type { Caller } from "./rpc.ts";
import { MOST_SEQUENCES } from "./sequence-space.ts";

/** A token that a session goes on with, and what may come after it. */
export interface Step {
  readonly session: number;
  readonly tokenId: number;
  readonly mask?: Uint32Array;
  /** Tried if no other session steps at the same time. Never with a mask. */
  readonly draft?: Draft;
}

/** Tokens that may come next, or how many of them the session drafts itself. */
export type Draft = readonly number[] | number;

export interface Stepped {
  /** What comes after the token, and after each of the drafted tokens that were right. */
  readonly next: readonly Sampled[];
  /** Drafted tokens that were tried. */
  readonly drafted: number;
}

interface Waiting {
  readonly step: Step;
  resolve(stepped: Stepped): void;
  reject(error: unknown): void;
}

const PATIENCE_MS = 5;

export class Stepper {
  private readonly caller: Caller<ControllerMethods>;
  /** Sessions that are being written; `false` if the last step did not wait for them. */
  private readonly writing = new Map<number, boolean>();
  private waiting: Waiting[] = [];
  private inFlight = false;
  private timer?: ReturnType<typeof setTimeout>;

  constructor(caller: Caller<ControllerMethods>) {
    this.caller = caller;
  }

  /** Whether other sessions wait for their next token. */
  get isBusy(): boolean {
    return this.writing.size > 0;
  }

  begin(session: number): void {
    this.writing.set(session, true);
  }

  end(session: number): void {
    this.writing.delete(session);
    this.consider();
  }

  /** Computes a token and samples the next. */
  take(step: Step): Promise<Stepped> {
    return new Promise((resolve, reject) => {
      this.writing.set(step.session, true);
      this.waiting.push({ step, resolve, reject });
      this.consider();
    });
  }

  private consider(): void {
    if (this.inFlight || this.waiting.length === 0) return;
    const isThere = new Set(this.waiting.map(({ step }) => step.session));
    const isComplete = [...this.writing].every(([session, isPrompt]) => !isPrompt || isThere.has(session));
    if (isComplete || isThere.size >= MOST_SEQUENCES) this.run();
    else
      this.timer ??= setTimeout(() => {
        for (const session of this.writing.keys()) if (!isThere.has(session)) this.writing.set(session, false);
        this.timer = undefined;
        this.consider();
      }, PATIENCE_MS);
  }

  private run(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const batch = this.waiting.slice(0, MOST_SEQUENCES);
    this.waiting = this.waiting.slice(MOST_SEQUENCES);
    this.inFlight = true;
    void this.compute(batch).finally(() => {
      this.inFlight = false;
      this.consider();
    });
  }

  /** If there is no room for all, each has its own try. */
  private async compute(batch: readonly Waiting[]): Promise<void> {
    try {
      const stepped = await this.caller.call("step", { steps: batch.map(({ step }) => step) });
      batch.forEach(({ resolve }, i) => {
        resolve(stepped[i]);
      });
    } catch (error) {
      if (batch.length === 1) batch[0].reject(error);
      else for (const one of batch) await this.compute([one]);
    }
  }
}
