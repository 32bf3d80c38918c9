/** A growing list of token ids. */
export class IdBuffer {
  private ids = new Int32Array(1024);
  length = 0;

  push(id: number): void {
    if (this.length === this.ids.length) this.reserve(1);
    this.ids[this.length++] = id;
  }

  /** Appends `source[from..from + count)`. */
  append(source: Int32Array, from: number, count: number): void {
    if (this.length + count > this.ids.length) this.reserve(count);
    for (let i = 0; i < count; i++) this.ids[this.length + i] = source[from + i];
    this.length += count;
  }

  toArray(): Int32Array {
    return this.ids.slice(0, this.length);
  }

  private reserve(more: number): void {
    const larger = new Int32Array(Math.max(this.ids.length * 2, this.length + more));
    larger.set(this.ids);
    this.ids = larger;
  }
}
