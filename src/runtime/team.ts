/**
 * A team of threads that run kernels over the shared memory. The controller is member 0. A command is a kernel, a number of
 * items and arguments; members take `grain` items at a time from a shared counter until none is left. Waiting is a short spin
 * (decode issues thousands of commands a second), then Atomics.wait.
 *
 * Control block at CONTROL, i32: [epoch, next item, members done, kernel, items, grain, arguments, failed]; arguments f64 after it.
 */
import type { Peer, SpawnedPeer } from "../platform/platform.ts";
import { instantiateKernels, type Kernel, type KernelBuild, type KernelName, kernelNames } from "./kernels.ts";
import type { SharedHeap } from "./memory.ts";

const CONTROL = 64 / 4;
const [EPOCH, NEXT, DONE, KERNEL, ITEMS, GRAIN, ARGUMENTS, FAILED] = [0, 1, 2, 3, 4, 5, 6, 7].map((i) => CONTROL + i);
const ARGUMENT_BASE = 128 / 8;
/** Bytes at the front of the memory that belong to the team (and to the kernels' own static data). */
export const CONTROL_BYTES = 64 * 1024;

/** Polls before a thread goes to sleep: some tens of microseconds. */
const SPINS = 20_000;

export interface MemberData {
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
  scratch: number;
}

export class Team {
  readonly threads: number;
  readonly buildName: string;
  private readonly control: Int32Array;
  private readonly args: Float64Array;
  private readonly kernels: Kernel[];
  private readonly scratch: number;
  private readonly members: SpawnedPeer[];

  private constructor(heap: SharedHeap, build: KernelBuild, members: SpawnedPeer[], scratch: number) {
    this.control = new Int32Array(heap.memory.buffer, 0, CONTROL_BYTES / 4);
    this.args = new Float64Array(heap.memory.buffer, 0, CONTROL_BYTES / 8);
    this.kernels = instantiateKernels(build.module, heap.memory);
    this.members = members;
    this.threads = members.length + 1;
    this.scratch = scratch;
    this.buildName = build.name;
  }

  /** Starts `threads − 1` members, each with `scratchBytes` of its own, and waits until they are ready. */
  static async start(
    heap: SharedHeap,
    build: KernelBuild,
    spawn: (data: unknown) => SpawnedPeer,
    options: { threads: number; scratchBytes: number },
  ): Promise<Team> {
    const scratch = heap.allocate(options.scratchBytes);
    const members = await Promise.all(
      Array.from({ length: options.threads - 1 }, () => {
        const data: MemberData = { module: build.module, memory: heap.memory, scratch: heap.allocate(options.scratchBytes) };
        const peer = spawn({ role: "member", ...data });
        return new Promise<SpawnedPeer>((resolve, reject) => {
          peer.onFailure(reject);
          peer.listen(() => resolve(peer));
        });
      }),
    );
    return new Team(heap, build, members, scratch);
  }

  /** Runs a kernel over `items` items on all threads and returns when every one is done. */
  run(name: KernelName, items: number, grain: number, ...args: number[]): void {
    const kernel = kernelNames.indexOf(name);
    if (items <= grain || this.threads === 1) {
      if (items > 0) this.kernels[kernel](0, items, this.scratch, ...args);
      return;
    }
    const { control } = this;
    this.args.set(args, ARGUMENT_BASE);
    control[KERNEL] = kernel;
    control[ITEMS] = items;
    control[GRAIN] = grain;
    control[ARGUMENTS] = args.length;
    Atomics.store(control, NEXT, 0);
    Atomics.store(control, DONE, 0);
    Atomics.add(control, EPOCH, 1);
    Atomics.notify(control, EPOCH);
    takeItems(control, this.kernels[kernel], this.scratch, args);
    this.waitForMembers();
  }

  private waitForMembers(): void {
    const { control, threads } = this;
    for (let spin = 0; ; spin++) {
      const done = Atomics.load(control, DONE);
      if (done === threads - 1) break;
      if (spin > SPINS) Atomics.wait(control, DONE, done, 100);
    }
    if (Atomics.load(control, FAILED)) throw new Error(`kernel ${kernelNames[control[KERNEL]]} failed in a worker thread`);
  }

  async stop(): Promise<void> {
    await Promise.all(this.members.map((member) => member.terminate()));
  }
}

/** A member's life: wait for an epoch, take items, report. Never returns; the controller terminates the thread. */
export function serveTeam(peer: Peer, { module, memory, scratch }: MemberData): void {
  const control = new Int32Array(memory.buffer, 0, CONTROL_BYTES / 4);
  const argumentSpace = new Float64Array(memory.buffer, 0, CONTROL_BYTES / 8);
  const kernels = instantiateKernels(module, memory);
  let epoch = Atomics.load(control, EPOCH);
  peer.post("ready");
  for (;;) {
    for (let spin = 0; Atomics.load(control, EPOCH) === epoch; spin++) {
      if (spin > SPINS) Atomics.wait(control, EPOCH, epoch);
    }
    epoch = Atomics.load(control, EPOCH);
    const args = Array.from(argumentSpace.subarray(ARGUMENT_BASE, ARGUMENT_BASE + control[ARGUMENTS]));
    try {
      takeItems(control, kernels[control[KERNEL]], scratch, args);
    } catch {
      Atomics.store(control, FAILED, 1);
    }
    Atomics.add(control, DONE, 1);
    Atomics.notify(control, DONE);
  }
}

function takeItems(control: Int32Array, kernel: Kernel, scratch: number, args: number[]): void {
  const items = control[ITEMS];
  const grain = control[GRAIN];
  for (;;) {
    const begin = Atomics.add(control, NEXT, grain);
    if (begin >= items) return;
    kernel(begin, Math.min(begin + grain, items), scratch, ...args);
  }
}
