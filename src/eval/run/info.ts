/** run.json: what was asked for and where it ran. */
import { availableParallelism, cpus, totalmem } from "node:os";
import type { Backend, Haystack, RunInfo, Task } from "../types.ts";

export interface RunFacts {
  readonly backend: Backend;
  readonly plan?: unknown;
  readonly tasks: readonly Task[];
  readonly lengths: readonly number[];
  /** Samples of each task at a length. */
  readonly samples: (length: number) => number;
  readonly seed: number;
  readonly haystack: Haystack;
  /** Of Longspan. */
  readonly version: string;
}

export function runInfo({ backend, plan, tasks, lengths, samples, seed, haystack, version }: RunFacts): RunInfo {
  const startedAt = new Date().toISOString();
  const { name, fingerprint, contextLength, mode } = backend;
  return {
    version: 1,
    id: `${startedAt.slice(0, 19).replace(/[-:]/g, "").replace("T", "-")}-${name.replace(/\.gguf$/, "").replace(/[^\w.-]+/g, "_")}`,
    startedAt,
    longspan: version,
    backend: { name, fingerprint, contextLength },
    plan,
    mode,
    seed,
    tasks: tasks.map(({ id, version, family }) => ({ id, version, family })),
    lengths,
    samples: Object.fromEntries(lengths.map((length) => [length, samples(length)])),
    haystack: { name: haystack.name, sha256: haystack.sha256 },
    machine: {
      cpu: cpus()[0]?.model ?? "unknown",
      cores: availableParallelism(),
      memoryBytes: totalmem(),
      node: process.version,
    },
  };
}
