/** Bytes that a prompt will take at most, by when its plan drops slots. */
import type { ModelConfig } from "../model/config.ts";
import type { KeyStores } from "./key-stores.ts";
import type { SelectedReading } from "./read-selected.ts";
import { WaitingTokens } from "./waiting-tokens.ts";

export interface RoomSchedule {
  /** Slots per head that are kept when slots are dropped; none if none are. */
  readonly budget?: number;
  /** Tokens that are read before slots are dropped; none if only at the end. */
  readonly every?: number;
  readonly byLayers: boolean;
  /** Of a prompt of which some tokens only go on. */
  readonly selected?: SelectedReading;
}

export function roomFor(stores: KeyStores, config: ModelConfig, tokens: number, schedule: RoomSchedule): number {
  const { budget, every, byLayers, selected } = schedule;
  if (selected) return roomForSelected(stores, config, selected);
  const all = stores.bytesFor(tokens);
  if (budget === undefined) return all;
  // Pages that were dropped from again and again are half full at least.
  const kept = stores.bytesFor(Math.min(tokens, 2 * budget));
  if (every !== undefined) return Math.min(all, stores.bytesFor(Math.min(tokens, 2 * budget + every)));
  if (!byLayers) return all;
  const fullLayers = config.layers.filter(({ window }) => window === 0).length;
  return Math.min(all, kept + all / fullLayers) + tokens * config.hiddenSize * 4;
}

/** The pages of all tokens in the lower layers, and those of the tokens that go on: beside them, or in their place. */
function roomForSelected(
  stores: KeyStores,
  { hiddenSize }: ModelConfig,
  { tokens, selected, lower, isRepeated }: SelectedReading,
): number {
  const below = stores.bytesFor(tokens, (layer) => layer < lower);
  if (isRepeated) return Math.max(below, stores.bytesFor(selected));
  const above = stores.bytesFor(selected, (layer) => layer >= lower);
  return below + above + WaitingTokens.bytesFor(tokens, hiddenSize);
}
