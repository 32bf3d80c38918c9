/** Holds back text that may be the beginning of a stop string, and ends the stream before one. */
export class StopText {
  found = false;
  private pending = "";
  private readonly stops: readonly string[];

  constructor(stops: readonly string[]) {
    this.stops = stops.filter((stop) => stop.length > 0);
  }

  /** Whether text is held back that flush() would give. */
  get isPending(): boolean {
    return !this.found && this.pending.length > 0;
  }

  /** The part of all text so far that can be shown. */
  push(text: string): string {
    if (this.found) return "";
    this.pending += text;
    const hits = this.stops
      .map((stop) => ({ begin: this.pending.indexOf(stop), length: stop.length }))
      .filter(({ begin }) => begin >= 0)
      // The one that is complete first, so that the end does not depend on where tokens end; the longest of equals.
      .sort((a, b) => a.begin + a.length - (b.begin + b.length) || a.begin - b.begin);
    if (hits.length > 0) {
      this.found = true;
      return this.take(hits[0].begin);
    }
    return this.take(this.pending.length - this.possibleStart());
  }

  flush(): string {
    return this.found ? "" : this.take(this.pending.length);
  }

  /** Length of the longest end of the pending text that begins a stop string. */
  private possibleStart(): number {
    const longest = Math.max(0, ...this.stops.map((stop) => stop.length - 1));
    for (let length = Math.min(longest, this.pending.length); length > 0; length--) {
      const end = this.pending.slice(-length);
      if (this.stops.some((stop) => stop.startsWith(end))) return length;
    }
    return 0;
  }

  private take(length: number): string {
    const text = this.pending.slice(0, length);
    this.pending = this.pending.slice(length);
    return text;
  }
}
