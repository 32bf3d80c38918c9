/** Bytes that a prompt will take at most, by when its plan drops slots. */
import type { ModelConfig } from "../model/config.ts";
import type { KeyStores } from "./key-stores.ts";

export interface RoomSchedule {
  /** Slots per head that are kept when slots are dropped; none if none are. */
  readonly budget?: number;
  /** Tokens that are read before slots are dropped; none if only at the end. */
  readonly every?: number;
  readonly byLayers: boolean;
}

export function roomFor(stores: KeyStores, config: ModelConfig, tokens: number, schedule: RoomSchedule): number {
  const { budget, every, byLayers } = schedule;
  const all = stores.bytesFor(tokens);
  if (budget === undefined) return all;
  // Pages that were dropped from again and again are half full at least.
  const kept = stores.bytesFor(Math.min(tokens, 2 * budget));
  if (every !== undefined) return Math.min(all, stores.bytesFor(Math.min(tokens, 2 * budget + every)));
  if (!byLayers) return all;
  const fullLayers = config.layers.filter(({ window }) => window === 0).length;
  return Math.min(all, kept + all / fullLayers) + tokens * config.hiddenSize * 4;
}
