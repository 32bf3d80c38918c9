import assert from "node:assert/strict";
import { test } from "node:test";
import { testHost } from "../../test/support/sessions.ts";
import type { Peer, SpawnedPeer } from "../platform/platform.ts";
import { CapacityError, InputError, UnsupportedError } from "../runtime/errors.ts";
import { Caller, serveCalls } from "./rpc.ts";

interface Methods {
  double(value: number): number;
  slow(value: number): Promise<number>;
  fail(kind: "capacity" | "input" | "unsupported" | "other"): void;
  count(to: number, progress: (event: unknown) => void): string;
  floats(length: number): Float32Array;
  never(_: undefined): Promise<void>;
}

const methods: Methods = {
  double: (value) => 2 * value,
  async slow(value) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    return value;
  },
  fail(kind) {
    const facts = { expected: 1, got: 2 };
    if (kind === "capacity") throw new CapacityError("too long", facts);
    if (kind === "input") throw new InputError("wrong", facts);
    if (kind === "unsupported") throw new UnsupportedError("unknown", facts);
    throw new TypeError("a bug");
  },
  count(to, progress) {
    for (let i = 1; i <= to; i++) progress(i);
    return "done";
  },
  floats: (length) => new Float32Array(length).fill(0.5),
  never: () => new Promise(() => {}),
};

/** Two ends in one thread, joined as threads are: messages are cloned and arrive later, in order. */
function connect(): { caller: Caller<Methods>; fail: (error: Error) => void; isTerminated: () => boolean } {
  const handlers: { here?: (message: unknown) => void; there?: (message: unknown) => void } = {};
  let onFailure: (error: Error) => void = () => {};
  let terminated = false;
  const send = (to: "here" | "there") => (message: unknown, transfer?: ArrayBuffer[]) => {
    const copy = structuredClone(message, { transfer });
    setImmediate(() => handlers[to]?.(copy));
  };
  const server: Peer = { post: send("here"), listen: (handler) => Object.assign(handlers, { there: handler }) };
  const client: SpawnedPeer = {
    post: send("there"),
    listen: (handler) => Object.assign(handlers, { here: handler }),
    onFailure(handler) {
      onFailure = handler;
    },
    async terminate() {
      terminated = true;
    },
  };
  serveCalls(server, { ...methods });
  return {
    caller: new Caller<Methods>(client),
    fail: (error) => onFailure(error),
    isTerminated: () => terminated,
  };
}

test("calls are answered each with its own result, one after the other in the order they were made", async () => {
  const { caller } = connect();
  const order: string[] = [];
  const slow = caller.call("slow", 7).then((value) => order.push(`slow ${value}`));
  const quick = caller.call("double", 21).then((value) => order.push(`double ${value}`));
  await Promise.all([slow, quick]);
  assert.deepEqual(order, ["slow 7", "double 42"]);
});

test("floats arrive whole", async () => {
  const { caller } = connect();
  assert.deepEqual(await caller.call("floats", 3), Float32Array.of(0.5, 0.5, 0.5));
});

test("errors keep their class, message and facts; a bug is a plain Error with the other thread's stack", async () => {
  const { caller } = connect();
  const classes = { capacity: CapacityError, input: InputError, unsupported: UnsupportedError };
  for (const [kind, known] of Object.entries(classes)) {
    const error = await caller.call("fail", kind as keyof typeof classes).catch((reason) => reason);
    assert.ok(error instanceof known, kind);
    assert.equal(error.name, known.name);
    assert.deepEqual([error.expected, error.got], [1, 2]);
  }
  const bug = await caller.call("fail", "other").catch((reason) => reason);
  assert.equal(bug.message, "a bug");
  assert.match(bug.stack, /TypeError: a bug[\s\S]*rpc\.test/);
});

test("a call that failed does not stop the next", async () => {
  const { caller } = connect();
  const failed = assert.rejects(caller.call("fail", "input"), InputError);
  assert.equal(await caller.call("double", 1), 2);
  await failed;
});

test("progress comes before the result, in order, to the call that asked", async () => {
  const { caller } = connect();
  const events: unknown[] = [];
  const [result] = await Promise.all([caller.call("count", 3, (event) => events.push(event)), caller.call("count", 2)]);
  assert.deepEqual([...events, result], [1, 2, 3, "done"]);
});

test("a thread that fails rejects the calls that wait and those that follow", async () => {
  const { caller, fail } = connect();
  const waiting = assert.rejects(caller.call("never", undefined), /out of memory/);
  const queued = assert.rejects(caller.call("double", 1), /out of memory/);
  fail(new Error("out of memory"));
  await Promise.all([waiting, queued]);
  await assert.rejects(caller.call("double", 1), /out of memory/);
});

test("a real worker that dies at its start rejects the call with its error", async () => {
  // A team member without a memory cannot start.
  const caller = new Caller<Methods>(testHost().spawn({ role: "member" }));
  await assert.rejects(caller.call("double", 1), TypeError);
});

test("stop ends the thread and rejects what waits and what follows", async () => {
  const { caller, isTerminated } = connect();
  const waiting = assert.rejects(caller.call("never", undefined), /disposed/);
  await caller.stop();
  await waiting;
  assert.equal(isTerminated(), true);
  await assert.rejects(caller.call("double", 1), /disposed/);
});
