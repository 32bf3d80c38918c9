/**
 * A team of threads that run kernels over the shared memory. The controller is member 0. A command is a kernel, a number of items
 * and arguments; threads take pieces of `grain` items from a shared ticket until none is left, and the command is over when every
 * piece is done. A member that the system has not scheduled holds nothing up: the others take its pieces.
 *
 * The ticket is one i32: epoch (20 bits) and next piece (12 bits). A member reads it, reads the command, then takes the piece by
 * compare-exchange: success proves that the command it read is still the current one. Waiting is a short spin (decode issues
 * thousands of commands a second), then Atomics.wait.
 *
 * Control block, i32 from CONTROL on: [ticket, pieces done, kernel, items, grain, pieces, arguments, failed]; arguments f64 after it.
 */
import type { Peer, SpawnedPeer } from "../platform/platform.ts";
import { instantiateKernels, type Kernel, type KernelBuild, type KernelName, kernelNames } from "./kernels.ts";
import type { SharedHeap } from "./memory.ts";
import type { Profile } from "./profile.ts";

const CONTROL = 64 / 4;
const [TICKET, DONE, KERNEL, ITEMS, GRAIN, PIECES, ARGUMENTS, FAILED] = [0, 1, 2, 3, 4, 5, 6, 7].map(
  (i) => CONTROL + i,
);
const ARGUMENT_BASE = 128 / 8;
const PIECE_BITS = 12;
const MAX_PIECES = (1 << PIECE_BITS) - 1;
/** Bytes at the front of the memory that belong to the team (and to the kernels' own static data). */
export const CONTROL_BYTES = 64 * 1024;

/** Polls before a thread goes to sleep: about a tenth of a millisecond, the longest that one thread works alone between two commands. */
const SPINS = 100_000;

export interface MemberData {
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
  scratch: number;
}

export class Team {
  readonly threads: number;
  readonly buildName: string;
  /** If there is one, it adds up what commands take. */
  profile?: Profile;
  private readonly control: Int32Array;
  private readonly args: Float64Array;
  private readonly kernels: Kernel[];
  private readonly scratch: number;
  private readonly members: SpawnedPeer[];
  private epoch = 0;

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
        const data: MemberData = {
          module: build.module,
          memory: heap.memory,
          scratch: heap.allocate(options.scratchBytes),
        };
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
    const started = this.profile ? performance.now() : 0;
    this.command(name, items, grain, args);
    this.profile?.add(name, items, args, started);
  }

  private command(name: KernelName, items: number, grain: number, args: number[]): void {
    const kernel = kernelNames.indexOf(name);
    if (items <= grain || this.threads === 1) {
      if (items > 0) this.kernels[kernel](0, items, this.scratch, ...args);
      return;
    }
    const { control } = this;
    const piece = Math.max(grain, Math.ceil(items / MAX_PIECES));
    // Closes the old ticket before the command changes: no piece has the number MAX_PIECES, so late members find nothing to take.
    this.epoch++;
    Atomics.store(control, TICKET, (this.epoch << PIECE_BITS) | MAX_PIECES);
    this.args.set(args, ARGUMENT_BASE);
    control[KERNEL] = kernel;
    control[ITEMS] = items;
    control[GRAIN] = piece;
    control[ARGUMENTS] = args.length;
    const pieces = Math.ceil(items / piece);
    Atomics.store(control, PIECES, pieces);
    Atomics.store(control, DONE, 0);
    Atomics.store(control, FAILED, 0);
    Atomics.store(control, TICKET, this.epoch << PIECE_BITS);
    Atomics.notify(control, TICKET);
    takePieces(
      control,
      () => this.kernels[kernel],
      this.scratch,
      () => args,
    );
    this.waitForPieces(pieces, name);
  }

  private waitForPieces(pieces: number, name: KernelName): void {
    const { control } = this;
    for (let spin = 0; ; spin++) {
      const done = Atomics.load(control, DONE);
      if (done === pieces) break;
      if (spin > SPINS) Atomics.wait(control, DONE, done, 100);
    }
    if (Atomics.load(control, FAILED)) throw new Error(`kernel ${name} failed`);
  }

  async stop(): Promise<void> {
    await Promise.all(this.members.map((member) => member.terminate()));
  }
}

/** A member's life: take pieces, wait for the next command. Never returns; the controller terminates the thread. */
export function serveTeam(peer: Peer, { module, memory, scratch }: MemberData): void {
  const control = new Int32Array(memory.buffer, 0, CONTROL_BYTES / 4);
  const argumentSpace = new Float64Array(memory.buffer, 0, CONTROL_BYTES / 8);
  const kernels = instantiateKernels(module, memory);
  const kernel = () => kernels[control[KERNEL]];
  const args = () => Array.from(argumentSpace.subarray(ARGUMENT_BASE, ARGUMENT_BASE + control[ARGUMENTS]));
  peer.post("ready");
  for (;;) {
    const idle = takePieces(control, kernel, scratch, args);
    for (let spin = 0; Atomics.load(control, TICKET) === idle; spin++) {
      if (spin > SPINS) Atomics.wait(control, TICKET, idle);
    }
  }
}

/** Takes pieces until none is left; returns the ticket that said so. The command is read anew whenever the epoch has changed. */
function takePieces(
  control: Int32Array,
  readKernel: () => Kernel,
  scratch: number,
  readArguments: () => number[],
): number {
  let epoch: number | undefined;
  let kernel: Kernel = () => {};
  let args: number[] = [];
  let items = 0;
  let grain = 1;
  let pieces = 0;
  for (;;) {
    const ticket = Atomics.load(control, TICKET);
    if (ticket >> PIECE_BITS !== epoch) {
      epoch = ticket >> PIECE_BITS;
      kernel = readKernel();
      args = readArguments();
      items = control[ITEMS];
      grain = control[GRAIN];
      pieces = Atomics.load(control, PIECES);
    }
    const piece = ticket & MAX_PIECES;
    if (piece >= pieces) return ticket;
    if (Atomics.compareExchange(control, TICKET, ticket, ticket + 1) !== ticket) continue;
    const begin = piece * grain;
    try {
      kernel(begin, Math.min(begin + grain, items), scratch, ...args);
    } catch {
      Atomics.store(control, FAILED, 1);
    }
    Atomics.add(control, DONE, 1);
    Atomics.notify(control, DONE);
  }
}
