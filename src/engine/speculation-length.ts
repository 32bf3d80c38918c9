/**
 * How many tokens to guess at once. Where all were right, twice as many rows come next; else no more than were right and one.
 * What guessing gains and costs is summed up in steps; while it costs more than it gains, it pauses, each time for twice as long.
 */

/** Rows go through the weights in blocks of so many: a block that is not full takes as long. */
const BLOCK_ROWS = 4;
/** What a block takes, in steps of one token, beyond the step that a row alone would be: 4 rows take 2.2 of them, 16 take 5.9. */
const BLOCK_COST = 1.2;
/** What a step's gain still counts for at the next. */
const MEMORY = 0.8;
/** Steps that may have been lost of late before guessing pauses. */
const MOST_LOST = 1;
/** Tokens that are written one by one in the first pause, and in the longest. */
const FIRST_PAUSE = 8;
const LONGEST_PAUSE = 256;

export class DraftLength {
  private readonly most: number;
  private rows = BLOCK_ROWS;
  /** In steps. */
  private gain = 0;
  private pause = FIRST_PAUSE;
  /** Tokens of a pause that are left. */
  private resting = 0;

  constructor(most: number) {
    this.most = most;
  }

  /** Tokens to guess in the next step; 0 in a pause. */
  next(): number {
    if (this.resting === 0) return Math.min(this.most, this.rows - 1);
    this.resting--;
    return 0;
  }

  /** What came of a step that guessed. */
  tell(drafted: number, accepted: number): void {
    const isRight = accepted === drafted;
    this.rows = isRight ? Math.max(this.rows, 2 * (drafted + 1)) : BLOCK_ROWS * blocksOf(accepted + 2);
    this.gain = MEMORY * this.gain + accepted - BLOCK_COST * blocksOf(drafted + 1);
    if (accepted > 0) this.pause = FIRST_PAUSE;
    if (this.gain > -MOST_LOST) return;
    this.resting = this.pause;
    this.pause = Math.min(2 * this.pause, LONGEST_PAUSE);
    this.gain = 0;
    this.rows = BLOCK_ROWS;
  }
}

function blocksOf(rows: number): number {
  return Math.ceil(rows / BLOCK_ROWS);
}
