/** When a session drops slots: what its plan's schedule says, in terms of the length of the text. */
import { type CachePlan, type Dropping, droppingOf } from "../context/cache/plan.ts";
import { type CacheSchedule, cacheSchedules } from "../context/cache/schedule/registry.ts";
import type { RoomSchedule } from "./room.ts";

export interface Schedule {
  readonly dropping?: Dropping;
  readonly byLayers: boolean;
  readonly afterPrefill: boolean;
  /** Whether slots are dropped when the text has this length while it is read, or while more of it is generated. */
  isDue(length: number, phase: "reading" | "generating"): boolean;
  readonly room: RoomSchedule;
  /** Tokens that may be read on from `length` before slots are dropped. */
  untilDue(length: number): number;
}

export function scheduleOf(cache: CachePlan): Schedule {
  const dropping = droppingOf(cache);
  if (!dropping)
    return {
      ...{ byLayers: false, afterPrefill: false, room: { byLayers: false } },
      isDue: () => false,
      untilDue: () => Number.POSITIVE_INFINITY,
    };
  const { technique, options } = cacheSchedules.chosen(dropping.schedule);
  const { order, afterPrefill, everyWhile }: CacheSchedule = technique;
  const { every = Number.POSITIVE_INFINITY } = options as { every?: number };
  const byLayers = order === "layers";
  return {
    dropping,
    room: { budget: dropping.budget, byLayers, ...(everyWhile === "reading" && { every }) },
    byLayers,
    afterPrefill,
    isDue: (length, phase) => (everyWhile === "reading" || everyWhile === phase) && length % every === 0,
    untilDue: (length) => (everyWhile === "reading" ? every - (length % every) : Number.POSITIVE_INFINITY),
  };
}
