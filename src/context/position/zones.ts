/**
 * Re-indexed positions: parts of the past are seen from other positions than where they stand, so that no distance is
 * larger than those the model was trained on.
 *
 * A zone is a part of the past: its keys are turned to store.turn(j), the queries that see it to zone.turn(i), and one
 * softmax runs over all zones of a query. Every key that a query may see is in exactly one of its zones.
 */

/** One copy of the keys, turned in its own way. */
export interface KeyStore {
  /** Position that the key of token j is turned to. */
  turn(j: number): number;
  /** Tokens that are kept; 0 for all. */
  readonly window: number;
  /** First tokens that are kept whatever the window. */
  readonly sinks: number;
}

export interface Zone {
  /** Index of its key store. */
  readonly store: number;
  /** Position that the query of token i is turned to. */
  turn(i: number): number;
  /** Keys with nearest ≤ i − j < farthest (0: no limit) and j < keyEnd (0: no limit). */
  readonly nearest: number;
  readonly farthest: number;
  readonly keyEnd: number;
  /** Pages of PAGE tokens, from the first to before the last, that queries in a page see in this zone. Default: all before it. */
  pages?(page: number): readonly [from: number, to: number];
  /** For a zone that sees only some of the pages at its least distance or more. At most one zone, all of whose queries turn alike. */
  readonly choice?: PageChoice;
}

/**
 * How pages are chosen by what is being read. For each KV head, those with the highest max_r q · r over their representatives r;
 * q is the sum of the queries of the group's heads and of the STEP tokens up to a multiple of STEP. The choice holds from there to
 * the next multiple: what a token sees depends on the text before it alone, however that was cut into chunks.
 */
export interface PageChoice {
  /** First pages, seen without being chosen. So are pages that a query of the page at hand may see in part only. */
  readonly always: number;
  /** Pages that are chosen; all, where there are no more. */
  readonly most: number;
  /** Vectors that stand for a page. */
  readonly representatives: number;
  /** f32 [representatives][headDim] of a full page; keys: f32 [headDim][PAGE], as the zone's store turns them. */
  represent(keys: Float32Array): Float32Array;
}

export interface Zones {
  readonly stores: readonly KeyStore[];
  /** Zone 0 holds each query's own page, and is of store 0; the others begin at a distance of PAGE or more. At most four. */
  readonly zones: readonly Zone[];
}

/** Tokens of a KV page: where zones that are made of pages may begin and end. */
export const PAGE = 64;
/** Tokens that share a choice of pages: divides PAGE. */
export const STEP = 16;

const everything = { nearest: 0, farthest: 0, keyEnd: 0 };

export function zone(turn: (i: number) => number, limits: Partial<Zone> = {}): Zone {
  return { store: 0, ...everything, ...limits, turn };
}

export function keyStore(turn: (j: number) => number, limits: Partial<KeyStore> = {}): KeyStore {
  return { window: 0, sinks: 0, ...limits, turn };
}

/** Where tokens stand. */
export function asIs(position: number): number {
  return position;
}
