/** The calling side of speculation: what is known of a session's text, how it may go on, and what came of such guesses. */
import type { Drafter } from "../context/speculate/method.ts";
import { speculations } from "../context/speculate/registry.ts";
import type { CompleteChoice } from "../context/technique.ts";
import { DraftLength } from "./speculation-length.ts";
import { LEAST_DRAFTED } from "./speculation-room.ts";
import type { SpeculationCounts } from "./types.ts";

/** Of a session, or of one that goes on from where another stands; none where the plan guesses nothing. */
export function speculatorOf(choice: CompleteChoice, from?: Speculator): Speculator | undefined {
  const { technique, options } = speculations.chosen(choice);
  const { drafter } = technique;
  return drafter && new Speculator(() => drafter(options), from?.part());
}

export class Speculator {
  private readonly newDrafter: () => Drafter;
  /** Made anew when the text was cut. */
  private drafter?: Drafter;
  private length?: DraftLength;
  private canGuess = false;
  /** What the session was told of its tokens. One that is wrong costs a wrong guess, no more. */
  private readonly text: number[];
  private readonly seen = { steps: 0, drafted: 0, accepted: 0 };

  constructor(newDrafter: () => Drafter, text: readonly number[] = []) {
    this.newDrafter = newDrafter;
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

  /** At most `most` tokens that may come next, none of them one that `ends` the text. */
  draft(most: number, ends: ReadonlySet<number>): readonly number[] {
    if (!this.canGuess) return [];
    this.drafter ??= this.newDrafter();
    this.length ??= new DraftLength(this.drafter.most);
    const wanted = Math.min(most, this.length.next());
    if (wanted < LEAST_DRAFTED) return [];
    const draft = this.drafter.draft(this.text, wanted);
    const end = draft.findIndex((id) => ends.has(id));
    const usable = end < 0 ? draft : draft.slice(0, end);
    return usable.length < LEAST_DRAFTED ? [] : usable;
  }

  /** A step was taken, with so many guessed tokens in it, of which so many were right. */
  tell(drafted: number, accepted: number): void {
    this.seen.steps++;
    this.seen.drafted += drafted;
    this.seen.accepted += accepted;
    if (drafted > 0) this.length?.tell(drafted, accepted);
  }
}
