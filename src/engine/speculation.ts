/** The calling side of speculation: what is known of a session's text, how it may go on, and what came of such guesses. */
import type { Drafter } from "../context/speculate/method.ts";
import { speculations } from "../context/speculate/registry.ts";
import type { CompleteChoice } from "../context/technique.ts";
import { DraftLength } from "./speculation-length.ts";
import { LEAST_DRAFTED } from "./speculation-room.ts";
import type { Draft } from "./stepper.ts";
import type { SpeculationCounts } from "./types.ts";

/** Of a session, or of one that goes on from where another stands; none where the plan guesses nothing. */
export function speculatorOf(choice: CompleteChoice, from?: Speculator): Speculator | undefined {
  const { technique, options } = speculations.chosen(choice);
  const { drafter, draftsItself } = technique;
  if (draftsItself) return new Speculator(draftsItself(options), from?.part());
  return drafter && new Speculator(() => drafter(options), from?.part());
}

export class Speculator {
  /** Where guesses come from; or how many tokens the model drafts itself. */
  private readonly source: (() => Drafter) | number;
  /** Made anew when the text was cut. */
  private drafter?: Drafter;
  private length?: DraftLength;
  private canGuess = false;
  /** What the session was told of its tokens. One that is wrong costs a wrong guess, no more. */
  private readonly text: number[];
  private readonly seen = { steps: 0, drafted: 0, accepted: 0 };

  constructor(source: (() => Drafter) | number, text: readonly number[] = []) {
    this.source = source;
    this.text = [...text];
  }

  get counts(): SpeculationCounts {
    return { ...this.seen };
  }

  /** Tokens are appended to a session of which `held` are left. */
  read(tokenIds: ArrayLike<number>, held = this.text.length): void {
    if (held < this.text.length) {
      this.text.length = held;
      this.drafter = undefined;
    }
    for (let i = 0; i < tokenIds.length; i++) this.text.push(tokenIds[i]);
  }

  /** Tokens [start, end) of the text. */
  part(start?: number, end?: number): readonly number[] {
    return this.text.slice(start, end);
  }

  /** Another text begins to be written: what was right and wrong in the one before does not count. */
  begin(canGuess: boolean): void {
    this.canGuess = canGuess;
    this.length = undefined;
  }

  /** At most `most` tokens that may come next, none of them one that `ends` the text; nothing where it is not worth a step. */
  draft(most: number, ends: ReadonlySet<number>): Draft | undefined {
    const draft = this.canGuess ? this.guess(most, ends) : 0;
    return (typeof draft === "number" ? draft : draft.length) >= LEAST_DRAFTED ? draft : undefined;
  }

  private guess(most: number, ends: ReadonlySet<number>): Draft {
    if (typeof this.source === "number") return Math.min(most, this.source);
    this.drafter ??= this.source();
    this.length ??= new DraftLength(this.drafter.most);
    const wanted = Math.min(most, this.length.next());
    const draft = wanted > 0 ? this.drafter.draft(this.text, wanted) : [];
    const end = draft.findIndex((id) => ends.has(id));
    return end < 0 ? draft : draft.slice(0, end);
  }

  /** A step was taken, with so many guessed tokens in it, of which so many were right. */
  tell(drafted: number, accepted: number): void {
    this.seen.steps++;
    this.seen.drafted += drafted;
    this.seen.accepted += accepted;
    if (drafted > 0) this.length?.tell(drafted, accepted);
  }
}
