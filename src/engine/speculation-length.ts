/**
 * How many tokens to guess at once. Where all were right twice as many come next, else one more than were right. What guessing
 * gains and costs is summed up in steps; while it costs more than it gains, it pauses, every time for twice as long.
 */

/** What a further row costs, in steps of one row: 8 rows take about three of them, 16 about five and a half. */
const ROW_COST = 0.3;
/** Tokens of the first guess of a text. */
const FIRST_LENGTH = 3;
/** What a step's gain counts for after the next. */
const MEMORY = 0.8;
/** Steps that may be lost of late before guessing pauses. */
const MOST_LOST = 1;
/** Tokens that are written plainly in the first pause, and in the longest. */
const FIRST_PAUSE = 16;
const LONGEST_PAUSE = 256;

export class DraftLength {
  private readonly most: number;
  private length: number;
  /** In steps; what is long past counts less. */
  private gain = 0;
  private pause = FIRST_PAUSE;
  /** Tokens that are still to be written plainly. */
  private resting = 0;

  constructor(most: number) {
    this.most = most;
    this.length = Math.min(FIRST_LENGTH, most);
  }

  /** Tokens to guess before the next step; 0 in a pause, which a step is then taken of. */
  next(): number {
    if (this.resting === 0) return this.length;
    this.resting--;
    return 0;
  }

  /** Of a step that guessed. */
  tell(drafted: number, accepted: number): void {
    const isRight = accepted === drafted;
    this.length = Math.min(this.most, isRight ? Math.max(this.length, 2 * drafted) : accepted + 1);
    this.gain = MEMORY * this.gain + accepted - ROW_COST * drafted;
    if (accepted > 0) this.pause = FIRST_PAUSE;
    if (this.gain > -MOST_LOST) return;
    this.resting = this.pause;
    this.pause = Math.min(2 * this.pause, LONGEST_PAUSE);
    this.gain = 0;
    this.length = 1;
  }
}
