/** The steps of one generate(): each gives the next token, and one in which guesses were right gives those after it for nothing. */
import { InputError } from "../runtime/errors.ts";
import type { ControllerMethods } from "./controller-methods.ts";
import type { Sampled } from "./log-probs.ts";
import type { Caller } from "./rpc.ts";
import type { Speculator } from "./speculation.ts";
import type { Step, Stepper } from "./stepper.ts";

export interface StepsParts {
  readonly caller: Caller<ControllerMethods>;
  readonly stepper: Stepper;
  readonly session: number;
  readonly speculator?: Speculator;
  /** Tokens that are never guessed. */
  readonly ends: ReadonlySet<number>;
}

export class Steps {
  private readonly parts: StepsParts;
  /** What comes after the token that was given last, as far as it is known: the sequence holds all of them but the last. */
  private readonly known: Sampled[] = [];
  private guessing?: Promise<unknown>;
  private last = -1;

  constructor(parts: StepsParts) {
    this.parts = parts;
  }

  /** Goes on with a token, of which at most `mostAhead` that follow may be computed with it; gives what comes next. */
  take(tokenId: number, mostAhead: number, mask?: Uint32Array): Promise<Sampled> {
    const { session, speculator, stepper, ends } = this.parts;
    this.last = tokenId;
    speculator?.read([tokenId]);
    const known = this.known.shift();
    if (known) return Promise.resolve(known);
    const draft = speculator?.draft(mostAhead, ends);
    const step: Step = { session, tokenId, ...(mask && { mask }), ...(draft && { draft }) };
    const taken = stepper.take(step).then(({ next: [next, ...after], drafted }) => {
      speculator?.tell(drafted, after.length);
      this.known.push(...after);
      return next;
    });
    this.guessing = draft ? taken : undefined;
    return taken;
  }

  /** Nothing more is taken: the sequence gives back what it holds beyond its first `length` tokens. */
  async end(length: number): Promise<void> {
    const { caller, session } = this.parts;
    await this.guessing?.catch(() => {}); // reported to whoever took the step
    if (this.known.length === 0) return;
    try {
      await caller.call("stepBack", { session, length, tokenId: this.last });
    } catch (error) {
      // Of an engine or a session that is gone there is nothing to give back.
      if (!(error instanceof InputError)) throw error;
    }
  }
}
