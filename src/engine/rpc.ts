/** Calls between the calling thread and the controller: one message each way, errors cross with their class. */
import type { Peer, SpawnedPeer } from "../platform/platform.ts";
import { CapacityError, InputError, UnsupportedError } from "../runtime/errors.ts";

interface Request {
  id: number;
  method: string;
  params: unknown;
}
interface Reply {
  id: number;
  result?: unknown;
  error?: { name: string; message: string; stack?: string; expected?: unknown; got?: unknown };
  /** An event on the way: the call is still running. */
  progress?: unknown;
}

const errorClasses = { InputError, CapacityError, UnsupportedError };

// biome-ignore lint/suspicious/noExplicitAny: parameters and results are typed at the two ends, by `Methods`.
type AnyMethods = Record<string, (params: any, progress: (event: unknown) => void) => any>;

/** Answers calls in the order they arrive; a method may be async. */
export function serveCalls(peer: Peer, methods: AnyMethods): void {
  let queue = Promise.resolve();
  peer.listen((message) => {
    const { id, method, params } = message as Request;
    queue = queue.then(async () => {
      try {
        const result = await methods[method](params, (progress) => peer.post({ id, progress } satisfies Reply));
        peer.post({ id, result } satisfies Reply, arraysOf(result));
      } catch (error) {
        const { name, message, stack, expected, got } = error as InputError;
        peer.post({ id, error: { name, message, stack, expected, got } } satisfies Reply);
      }
    });
  });
}

/** Buffers of the arrays that a result consists of: moved instead of copied. */
function arraysOf(result: unknown): ArrayBuffer[] {
  if (typeof result !== "object" || result === null) return [];
  return Object.values(result)
    .filter((value) => value instanceof Float32Array || value instanceof Float64Array)
    .map(({ buffer }) => buffer as ArrayBuffer);
}

type Result<F> = F extends (...args: never[]) => infer R ? Awaited<R> : never;
type Params<F> = F extends (params: infer P, ...rest: never[]) => unknown ? P : never;

/** The calling side of serveCalls(). */
export class Caller<Methods> {
  private nextId = 1;
  private readonly peer: SpawnedPeer;
  private readonly pending = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (error: Error) => void; progress?: (event: unknown) => void }
  >();
  private failure?: Error;

  constructor(peer: SpawnedPeer) {
    this.peer = peer;
    peer.listen((message) => this.receive(message as Reply));
    peer.onFailure((error) => {
      this.failure = error;
      for (const { reject } of this.pending.values()) reject(error);
      this.pending.clear();
    });
  }

  call<M extends keyof Methods & string>(
    method: M,
    params: Params<Methods[M]>,
    progress?: (event: unknown) => void,
  ): Promise<Result<Methods[M]>> {
    if (this.failure) return Promise.reject(this.failure);
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.pending.set(id, { resolve: resolve as (value: unknown) => void, reject, progress });
      this.peer.post({ id, method, params } satisfies Request);
    });
  }

  private receive({ id, result, error, progress }: Reply): void {
    const call = this.pending.get(id);
    if (!call) return;
    if (progress !== undefined) {
      call.progress?.(progress);
      return;
    }
    this.pending.delete(id);
    if (!error) call.resolve(result);
    else call.reject(revive(error));
  }

  async stop(): Promise<void> {
    const stopped = new InputError("engine: expected a loaded one, got one that was disposed. Load the model again.");
    this.failure = stopped;
    for (const { reject } of this.pending.values()) reject(stopped);
    this.pending.clear();
    await this.peer.terminate();
  }
}

function revive({ name, message, stack, expected, got }: NonNullable<Reply["error"]>): Error {
  const known = errorClasses[name as keyof typeof errorClasses];
  if (known) return new known(message, { expected, got });
  const error = new Error(message);
  error.stack = stack;
  return error;
}
