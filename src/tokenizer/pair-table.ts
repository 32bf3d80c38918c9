/**
 * Hash table from a pair of ids to a number >= 0: open addressing, linear probing, at most half full.
 * A Map keyed by strings or large numbers would allocate on every look-up; this is the tokenizer's hottest one.
 */
const EMPTY = -1;
const STRIDE = 3; // left, right, value: one cache line per probe

export class PairTable {
  private slots: Int32Array;
  private mask: number;
  size = 0;

  constructor(expected: number) {
    const capacity = 2 ** Math.ceil(Math.log2(Math.max(expected, 8) * 2));
    this.slots = new Int32Array(capacity * STRIDE).fill(EMPTY);
    this.mask = capacity - 1;
  }

  /** The number stored for the pair, -1 if there is none. */
  get(left: number, right: number): number {
    return this.slots[this.slotOf(left, right) + 2];
  }

  /** Stores a number for the pair. Keeps the first one if the pair is there already. */
  add(left: number, right: number, value: number): void {
    const slot = this.slotOf(left, right);
    if (this.slots[slot] !== EMPTY) return;
    this.slots[slot] = left;
    this.slots[slot + 1] = right;
    this.slots[slot + 2] = value;
    if (++this.size * 2 > this.mask) this.grow();
  }

  private slotOf(left: number, right: number): number {
    const { slots, mask } = this;
    let hash = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
    hash ^= hash >>> 15;
    for (let index = hash & mask; ; index = (index + 1) & mask) {
      const slot = index * STRIDE;
      if (slots[slot] === EMPTY || (slots[slot] === left && slots[slot + 1] === right)) return slot;
    }
  }

  private grow(): void {
    const old = this.slots;
    this.slots = new Int32Array(old.length * 2).fill(EMPTY);
    this.mask = this.mask * 2 + 1;
    this.size = 0;
    for (let slot = 0; slot < old.length; slot += STRIDE)
      if (old[slot] !== EMPTY) this.add(old[slot], old[slot + 1], old[slot + 2]);
  }
}
