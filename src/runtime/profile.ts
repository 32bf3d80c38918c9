/** What kernels take, added up while an engine runs. Off unless it is asked for: LoadOptions.profile. bench/roofline.js makes a table of it. */
import type { KernelName } from "./kernels.ts";

/**
 * What a product is of: i8 and an integer of at most 4, 5 or 7 bits, two i16, or two f32. The fewer bits, the more of them are summed
 * in 16 bits before sums are widened, which is what the time of a multiplication goes to.
 */
export type Arithmetic = "i4" | "i5" | "i7" | "i16" | "f32";

export interface Work {
  /** A multiplication and the addition of its product are two. */
  readonly operations: Readonly<Partial<Record<Arithmetic, number>>>;
  /** Of weights, or of pages of keys and values, each time that they are read. */
  readonly bytes: number;
}

/** What a command does, from its number of items and its arguments; none if nobody counts it. */
export type WorkOf = (kernel: KernelName, items: number, args: readonly number[]) => Work | undefined;

/** The row of what the controller's thread does while no command runs: lists of pages, choices, samples. */
export const BETWEEN_KERNELS = "between kernels";

export interface KernelProfile extends Partial<Work> {
  readonly kernel: KernelName | typeof BETWEEN_KERNELS;
  /** Commands; of what is between them, calls to the controller. */
  readonly calls: number;
  /** From when a command is posted until all threads are done with it. */
  readonly seconds: number;
}

interface Sums {
  calls: number;
  seconds: number;
  work?: { operations: Partial<Record<Arithmetic, number>>; bytes: number };
}

export class Profile {
  private readonly workOf: WorkOf;
  private kernels = new Map<KernelName, Sums>();
  private calls = 0;
  private callSeconds = 0;
  /** Taken by counting itself: nobody's. */
  private countSeconds = 0;

  constructor(workOf: WorkOf) {
    this.workOf = workOf;
  }

  /** A command has ended that was posted at `started`, by performance.now(). */
  add(kernel: KernelName, items: number, args: readonly number[], started: number): void {
    const ended = performance.now();
    const sums = this.kernels.get(kernel) ?? { calls: 0, seconds: 0 };
    sums.calls++;
    sums.seconds += (ended - started) / 1000;
    addWork(sums, this.workOf(kernel, items, args));
    this.kernels.set(kernel, sums);
    this.countSeconds += (performance.now() - ended) / 1000;
  }

  /** Runs a call to the controller, in which commands are posted. Of an asynchronous one only what it does at once counts. */
  call<T>(run: () => T): T {
    const { kernels } = this;
    const started = performance.now();
    try {
      return run();
    } finally {
      // One that has begun anew meanwhile belongs to what was before.
      if (this.kernels === kernels) {
        this.calls++;
        this.callSeconds += (performance.now() - started) / 1000;
      }
    }
  }

  /** One row a kernel that ran, those that took longest first, and what was between them last. With `reset`, all begins anew. */
  rows(reset = false): KernelProfile[] {
    const rows = [...this.kernels].map(([kernel, { work, ...sums }]) => ({
      kernel,
      ...sums,
      ...structuredClone(work),
    }));
    rows.sort((a, b) => b.seconds - a.seconds);
    const inKernels = rows.reduce((sum, { seconds }) => sum + seconds, 0);
    const seconds = Math.max(0, this.callSeconds - this.countSeconds - inKernels);
    const all: KernelProfile[] = [...rows, { kernel: BETWEEN_KERNELS, calls: this.calls, seconds }];
    if (reset) {
      this.kernels = new Map();
      this.calls = this.callSeconds = this.countSeconds = 0;
    }
    return all;
  }
}

function addWork(sums: Sums, work: Work | undefined): void {
  if (!work) return;
  sums.work ??= { operations: {}, bytes: 0 };
  const { operations } = sums.work;
  sums.work.bytes += work.bytes;
  for (const [kind, count] of Object.entries(work.operations) as [Arithmetic, number][])
    operations[kind] = (operations[kind] ?? 0) + count;
}
