/** Drives generation token by token: from what was sampled to text, and to the end. */
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { ControllerMethods } from "./controller-methods.ts";
import type { Caller } from "./rpc.ts";
import type { Schedule } from "./schedule.ts";
import type { Speculator } from "./speculation.ts";
import { Steps } from "./speculation-steps.ts";
import type { Stepper } from "./stepper.ts";
import { StopText } from "./stop-text.ts";
import type { GeneratedToken, GenerateOptions } from "./types.ts";

/** What is written on. */
export interface Writing {
  readonly id: number;
  readonly caller: Caller<ControllerMethods>;
  readonly stepper: Stepper;
  readonly tokenizer: Tokenizer;
  readonly contextLength: number;
  readonly schedule: Schedule;
  readonly speculator?: Speculator;
  /** Grows by every token. */
  readonly sequence: { length: number };
  /** Drops slots, as the schedule says. */
  drop(): Promise<void>;
}

export async function* generate(writing: Writing, options: GenerateOptions): AsyncGenerator<GeneratedToken> {
  const { maxTokens = Number.POSITIVE_INFINITY, stop = [], ignoreEnd = false, signal, ...wanted } = options;
  const { logProbs, constraint, ...sampling } = wanted;
  const { caller, id: session, tokenizer, contextLength, stepper, schedule, speculator, sequence } = writing;
  const ends = ignoreEnd ? new Set<number>() : tokenizer.endIds;
  stepper.begin(session);
  const steps = new Steps({ caller, stepper, session, speculator, ends });
  try {
    const { first, canRunAhead } = await caller.call("begin", {
      session,
      options: sampling,
      logProbs,
      mask: constraint?.mask(),
    });
    let next = first;
    // What a constraint allows after a guess is not known before the guess was right.
    speculator?.begin(canRunAhead && !constraint);
    const text = tokenizer.decoder();
    const stops = new StopText(stop);
    // The sequence's last token, as long as some of its text may still come. Yielded before the sequence grows again.
    let held: GeneratedToken | undefined;
    for (let n = 0; n < maxTokens && sequence.length < contextLength && !signal?.aborted; n++) {
      const { tokenId } = next;
      constraint?.accept(tokenId);
      if (ends.has(tokenId)) break;
      if (held) yield held;
      // The next step starts while the caller uses this token.
      sequence.length++;
      const ahead = Math.min(maxTokens - n - 1, contextLength - sequence.length);
      const step = steps.take(tokenId, ahead, constraint?.mask());
      step.catch(() => {}); // reported by the await below, or by the next call if the caller stops here
      const token = { ...next, text: stops.push(text.push(tokenId)) };
      held = text.isIncomplete || stops.isPending ? token : undefined;
      if (!held) yield token;
      next = await step;
      // At the end of a page, beyond which no step goes: the sequence holds no token more.
      if (schedule.isDue(sequence.length, "generating")) await writing.drop();
      if (stops.found) return;
    }
    if (held) yield { ...held, text: held.text + stops.push(text.flush()) + stops.flush() };
    signal?.throwIfAborted();
  } finally {
    stepper.end(session);
    await steps.end(sequence.length);
  }
}
