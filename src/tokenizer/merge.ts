/**
 * Byte-pair merging of a row of token ids: the adjacent pair of the lowest priority value is replaced by its
 * result, the leftmost first among equals, until no pair merges (Sennrich et al. 2016, algorithm 1).
 * Both kinds of vocabulary use it: byte-level BPE with the rank of a merge, SentencePiece with the rank of a score.
 */
export interface MergeRules {
  /** Number of the rule that merges two adjacent ids, -1 if there is none. */
  find(left: number, right: number): number;
  /** By rule number; lower merges earlier. At most 2^21. */
  readonly priority: Int32Array;
  /** By rule number: the id that replaces the pair. */
  readonly result: Int32Array;
}

/** Up to here scanning for the best pair beats a heap; it is also the plain form that the heap is tested against. */
const SCAN_LIMIT = 40;
const scanRules = new Int32Array(SCAN_LIMIT);

/** Merges `ids[0..length)` in place and returns the new length. */
export function mergePairs(rules: MergeRules, ids: Int32Array, length: number): number {
  return length <= SCAN_LIMIT ? mergeByScan(rules, ids, length, scanRules) : mergeByHeap(rules, ids, length);
}

/** O(length²), no allocation. `found` holds the rule of the pair that begins at each position. */
export function mergeByScan(rules: MergeRules, ids: Int32Array, length: number, found: Int32Array): number {
  const { priority, result } = rules;
  for (let i = 0; i + 1 < length; i++) found[i] = rules.find(ids[i], ids[i + 1]);
  for (;;) {
    let best = -1;
    let lowest = Number.POSITIVE_INFINITY;
    for (let i = 0; i + 1 < length; i++) {
      if (found[i] < 0 || priority[found[i]] >= lowest) continue;
      best = i;
      lowest = priority[found[i]];
    }
    if (best < 0) return length;
    ids[best] = result[found[best]];
    length--;
    for (let i = best + 1; i < length; i++) {
      ids[i] = ids[i + 1];
      found[i] = found[i + 1];
    }
    if (best > 0) found[best - 1] = rules.find(ids[best - 1], ids[best]);
    if (best + 1 < length) found[best] = rules.find(ids[best], ids[best + 1]);
  }
}

/**
 * O(length · log length). The heap holds priority · 2^31 + position, so that the smallest number is the next merge;
 * an entry is stale when the pair at its position has another rule by now.
 * Merges jump about in the row, so what belongs to a position is side by side, in one cache line.
 */
export function mergeByHeap(rules: MergeRules, ids: Int32Array, length: number): number {
  const { priority, result } = rules;
  const row = new Int32Array(4 * length); // per position: id, next, previous, rule of the pair that begins here
  const heap = new MinHeap(2 * length); // each merge takes one entry out and puts at most two in
  const end = 4 * length;
  const watch = (at: number) => {
    const next = row[at + 1];
    const rule = next < end ? rules.find(row[at], row[next]) : -1;
    row[at + 3] = rule;
    if (rule >= 0) heap.push(priority[rule] * 2 ** 31 + at);
  };
  for (let at = 0; at < end; at += 4) {
    row[at] = ids[at >> 2];
    row[at + 1] = at + 4;
    row[at + 2] = at - 4;
  }
  for (let at = 0; at < end; at += 4) watch(at);
  while (heap.size > 0) {
    const entry = heap.pop();
    const wanted = Math.floor(entry / 2 ** 31); // not %, which is a call for numbers of this size
    const at = entry - wanted * 2 ** 31;
    const rule = row[at + 3];
    if (rule < 0 || priority[rule] !== wanted) continue;
    const absorbed = row[at + 1];
    const next = row[absorbed + 1];
    row[at] = result[rule];
    row[at + 1] = next;
    row[absorbed + 3] = -1;
    if (next < end) row[next + 2] = at;
    if (row[at + 2] >= 0) watch(row[at + 2]);
    watch(at);
  }
  let count = 0;
  for (let at = 0; at < end; at = row[at + 1]) ids[count++] = row[at];
  return count;
}

/** With four children a node it is half as deep as a binary heap, and siblings share a cache line. */
class MinHeap {
  private readonly entries: Float64Array;
  size = 0;

  constructor(capacity: number) {
    this.entries = new Float64Array(capacity);
  }

  push(entry: number): void {
    const { entries } = this;
    let at = this.size++;
    while (at > 0) {
      const parent = (at - 1) >> 2;
      if (entries[parent] <= entry) break;
      entries[at] = entries[parent];
      at = parent;
    }
    entries[at] = entry;
  }

  pop(): number {
    const { entries } = this;
    const top = entries[0];
    const moved = entries[--this.size];
    const { size } = this;
    let at = 0;
    for (;;) {
      const first = 4 * at + 1;
      if (first >= size) break;
      let child = first;
      for (let other = first + 1; other < first + 4 && other < size; other++)
        if (entries[other] < entries[child]) child = other;
      if (entries[child] >= moved) break;
      entries[at] = entries[child];
      at = child;
    }
    entries[at] = moved;
    return top;
  }
}
