/**
 * Bounded cache from a word (a range of a string) to its token ids. Keys are compared where they stand in the text,
 * so that a look-up allocates nothing and no entry keeps a whole document alive through a substring.
 * When it is full it starts again from empty: the words of a text come back quickly.
 */
import type { IdBuffer } from "./id-buffer.ts";

const MAX_WORD_LENGTH = 64;
const MAX_ENTRIES = 1 << 16;
const TABLE_MASK = 2 * MAX_ENTRIES - 1;
const CHARACTERS = MAX_ENTRIES * 12;
const IDS = MAX_ENTRIES * 6;

export class WordCache {
  private readonly table = new Int32Array(TABLE_MASK + 1); // entry + 1; 0 is empty
  private readonly characterStart = new Int32Array(MAX_ENTRIES + 1);
  private readonly idStart = new Int32Array(MAX_ENTRIES + 1);
  private readonly characters = new Uint16Array(CHARACTERS);
  private readonly ids = new Int32Array(IDS);
  private entries = 0;
  private slot = 0;

  /** Appends the ids of text[start..end) to `out` if they are known. */
  copy(text: string, start: number, end: number, out: IdBuffer): boolean {
    if (end - start > MAX_WORD_LENGTH) return false;
    let hash = 0x811c9dc5;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    hash ^= hash >>> 15;
    for (this.slot = hash & TABLE_MASK; this.table[this.slot] !== 0; this.slot = (this.slot + 1) & TABLE_MASK) {
      const entry = this.table[this.slot] - 1;
      if (!this.equals(entry, text, start, end)) continue;
      out.append(this.ids, this.idStart[entry], this.idStart[entry + 1] - this.idStart[entry]);
      return true;
    }
    return false;
  }

  /** Stores ids[0..count) for text[start..end), which the last call of `copy` did not find. */
  store(text: string, start: number, end: number, ids: Int32Array, count: number): void {
    const length = end - start;
    if (length > MAX_WORD_LENGTH) return;
    const { entries, characterStart, idStart } = this;
    const characters = characterStart[entries];
    const idsUsed = idStart[entries];
    if (entries === MAX_ENTRIES || characters + length > CHARACTERS || idsUsed + count > IDS) {
      this.table.fill(0);
      this.entries = 0;
      return;
    }
    for (let i = 0; i < length; i++) this.characters[characters + i] = text.charCodeAt(start + i);
    for (let i = 0; i < count; i++) this.ids[idsUsed + i] = ids[i];
    characterStart[entries + 1] = characters + length;
    idStart[entries + 1] = idsUsed + count;
    this.table[this.slot] = ++this.entries;
  }

  private equals(entry: number, text: string, start: number, end: number): boolean {
    const from = this.characterStart[entry];
    if (this.characterStart[entry + 1] - from !== end - start) return false;
    for (let i = start; i < end; i++) if (this.characters[from + i - start] !== text.charCodeAt(i)) return false;
    return true;
  }
}
