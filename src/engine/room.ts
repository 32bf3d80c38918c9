/** Bytes that a prompt will take at most, by when its plan drops slots, and what its pages are then chosen by. */
import type { ModelConfig } from "../model/config.ts";
import { PAGE_SLOTS } from "../ops/attention.ts";
import { CapacityError } from "../runtime/errors.ts";
import type { KeyStores } from "./key-stores.ts";
import type { SelectedReading } from "./read-selected.ts";
import type { SparseDecode } from "./sparse-decode.ts";
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

/** Of the sequence that is to read it. */
export interface RoomParts {
  readonly stores: KeyStores;
  readonly sparse?: SparseDecode;
}

export function roomFor(
  { stores, sparse }: RoomParts,
  config: ModelConfig,
  tokens: number,
  schedule: RoomSchedule,
): number {
  const held = heldBy(stores.length + tokens, schedule);
  // It is made when the text is there. What reading gives back by then is of other sizes, which the pool keeps apart.
  const index = sparse?.bytesFor((layer) => Math.floor(held(layer) / PAGE_SLOTS)) ?? 0;
  return index + roomForReading(stores, config, tokens, schedule);
}

/** Bytes of what pages are chosen by, of a sequence that reads no more before it writes: copies share pages, and each makes this for itself. */
export function roomForIndex({ stores, sparse }: RoomParts): number {
  const [cache] = stores.caches;
  const open = cache.length % PAGE_SLOTS > 0 ? 1 : 0;
  return sparse?.bytesFor((layer, kvHead) => cache.pagesOf(layer, kvHead).length - open) ?? 0;
}

/** Throws CapacityError where more is needed than is free. */
export function expectFree(what: string, needed: number, free: number): void {
  if (needed <= free) return;
  const megabytes = (bytes: number) => `${Math.ceil(bytes / 2 ** 20).toLocaleString("en")} MB`;
  throw new CapacityError(
    `${what} takes ${megabytes(needed)}, ${megabytes(free)} are free. ` +
      "Shorten the text, use a plan with smaller pages or a budget (--plan auto), or end other sessions and programs.",
    { expected: needed, got: free },
  );
}

/** Tokens that the heads of a layer hold at most when a text of so many tokens was read. */
function heldBy(length: number, { budget, every = 0, selected }: RoomSchedule): (layer: number) => number {
  if (selected) return (layer) => (layer < selected.upper ? selected.tokens : selected.selected);
  return () => (budget === undefined ? length : Math.min(length, 2 * budget + every));
}

function roomForReading(stores: KeyStores, config: ModelConfig, tokens: number, schedule: RoomSchedule): number {
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

/** The pages of all tokens in the lower layers, beside or before those of the tokens that go on, and before these in the layer that scores. */
function roomForSelected(
  stores: KeyStores,
  { hiddenSize }: ModelConfig,
  { tokens, held, selected, lower, upper }: SelectedReading,
): number {
  const rest = tokens - held;
  const stays = stores.bytesFor(rest, (layer) => layer < upper);
  const scoring = stores.bytesFor(rest, (layer) => layer >= upper && layer < lower);
  const scores = stores.bytesFor(tokens, (layer) => layer === lower);
  const goesOn = stores.bytesFor(selected, (layer) => layer >= upper);
  const waits = upper > 0 ? WaitingTokens.bytesFor(rest, hiddenSize) : 0;
  return stays + Math.max(scoring + scores, goesOn) + waits;
}
