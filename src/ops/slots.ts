/** Slots of KV pages back into rows of f32 (kernels/slots.ts). */
import type { Team } from "../runtime/team.ts";

export interface ReadSlotsArguments {
  /**
   * u32 [count][entry, rows], one pair a page. Bit 0 of an entry: the page is f32. rows is the address of i32 [64], the row that each
   * slot goes to, −1 for none.
   */
  readonly pairs: number;
  readonly count: number;
  /** A multiple of 8. */
  readonly headDim: number;
  /** f32 [rows][headDim]: keys as the page holds them, after RoPE. */
  readonly keys: number;
  /** f32 [rows][headDim] */
  readonly values: number;
}

/** Rows that no slot goes to stay as they are; no two slots may go to the same row. */
export function readSlots(team: Team, { pairs, count, headDim, keys, values }: ReadSlotsArguments): void {
  team.run("readSlots", count, 1, pairs, headDim, keys, values);
}
