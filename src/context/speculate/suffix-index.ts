/**
 * Finds the earlier place of a growing text that agrees longest with its end. Every place is linked to the one before it whose
 * last `shortest` tokens fall into the same bucket of a hash table, so that only places are looked at that agree in so many.
 * 8 to 16 bytes a token.
 */

/** Tokens that there is room for at first; always a power of two. */
const LEAST_ROOM = 1024;
/** 2^32 divided by the golden ratio: spreads neighbouring ids over the buckets. */
const SPREAD = 0x9e3779b1;

export interface Match {
  /** Tokens before the place: what stands there is text[end]. */
  readonly end: number;
  /** How many tokens before the place and at the end of the text agree. */
  readonly length: number;
}

export class SuffixIndex {
  private readonly shortest: number;
  private readonly longest: number;
  /** By bucket: its latest place; 0 for none. */
  private latest = new Int32Array(LEAST_ROOM);
  /** By place: the one before it in the same bucket; 0 for none. */
  private earlier = new Int32Array(LEAST_ROOM);
  /** Places up to here are linked. */
  private linked = 0;

  /** Agreement in more than `longest` tokens counts no more than that; in less than `shortest`, not at all. */
  constructor(shortest: number, longest: number) {
    this.shortest = shortest;
    this.longest = longest;
  }

  /** Of places that agree equally long, the latest. The text must be that of the call before, or begin with it. */
  find(text: readonly number[]): Match | undefined {
    this.link(text);
    let best = { end: 0, length: this.shortest - 1 };
    for (let end = this.earlier[text.length]; end > 0 && best.length < this.longest; end = this.earlier[end]) {
      const length = this.agreement(text, end);
      if (length > best.length) best = { end, length };
    }
    return best.end > 0 ? best : undefined;
  }

  private link(text: readonly number[]): void {
    if (text.length >= this.earlier.length) {
      const room = 2 ** Math.ceil(Math.log2(text.length + 1));
      this.latest = new Int32Array(room);
      this.earlier = new Int32Array(room);
      this.linked = 0;
    }
    for (let end = Math.max(this.shortest, this.linked + 1); end <= text.length; end++) {
      const bucket = this.bucketOf(text, end);
      this.earlier[end] = this.latest[bucket];
      this.latest[bucket] = end;
    }
    this.linked = text.length;
  }

  private bucketOf(text: readonly number[], end: number): number {
    let hash = 0;
    for (let i = end - this.shortest; i < end; i++) hash = Math.imul((hash ^ (hash >>> 15)) + text[i] + 1, SPREAD);
    return (hash ^ (hash >>> 15)) & (this.latest.length - 1);
  }

  private agreement(text: readonly number[], end: number): number {
    const most = Math.min(this.longest, end);
    let length = 0;
    while (length < most && text[end - 1 - length] === text[text.length - 1 - length]) length++;
    return length;
  }
}
