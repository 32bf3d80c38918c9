/** Ready-made sizes of a run. Their cost is predicted on the machine at hand before the bulk of it starts. */
import type { Task } from "./types.ts";

export const tierNames = ["smoke", "standard", "full"] as const;
export type TierName = (typeof tierNames)[number];

export interface Tier {
  readonly summary: string;
  /** Task ids or families. */
  readonly tasks: readonly string[];
  readonly lengths: readonly number[];
  readonly samples: number;
}

export const tiers: Readonly<Record<TierName, Tier>> = {
  smoke: {
    summary: "does it work: six tasks at 1K, 2K and 4K, 5 samples each",
    tasks: ["niah_single_1", "niah_multikey_2", "vt", "ib_passkey", "kv_retrieval", "needle_fact"],
    lengths: [1024, 2048, 4096],
    samples: 5,
  },
  standard: {
    summary: "RULER-11 at 1K, 4K, 8K and 16K, 20 samples each",
    tasks: ["ruler"],
    lengths: [1024, 4096, 8192, 16_384],
    samples: 20,
  },
  full: {
    summary: "RULER-11 at 1K to 32K, 100 samples each",
    tasks: ["ruler"],
    lengths: [1024, 2048, 4096, 8192, 16_384, 32_768],
    samples: 100,
  },
};

/** RULER's tasks that need no file of the user. */
export function needsNoFile(task: Task): boolean {
  return task.needsFile === undefined;
}
