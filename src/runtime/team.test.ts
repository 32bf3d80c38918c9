import assert from "node:assert/strict";
import { test } from "node:test";
import { builds, kernelBuild, spawnThread, withTeam } from "../../test/support/kernels.ts";
import { SharedHeap } from "./memory.ts";
import { CONTROL_BYTES, type MemberData, Team } from "./team.ts";

/** Counts how often items are run: rows of ones have a norm of 1, so with `add` each run of a row adds 1 to its count. */
function counter(heap: SharedHeap, maxItems: number) {
  const [weight, ones, counts] = [16, 16 * maxItems, 16 * maxItems].map((bytes) => heap.allocate(bytes));
  heap.floats(weight, 4).fill(1);
  heap.floats(ones, 4 * maxItems).fill(1);
  return {
    run: (team: Team, items: number, grain = 1) => team.run("rmsnorm", items, grain, 4, ones, weight, counts, 0, 1),
    runs: () => Array.from({ length: maxItems }, (_, item) => heap.f32[counts / 4 + 4 * item]),
  };
}

for (const build of builds)
  for (const threads of [1, 2, 3])
    test(`${build}, ${threads} threads: every item is run exactly once, for any number of items and grain`, async () => {
      await withTeam(build, threads, ({ heap, team }) => {
        assert.equal(team.threads, threads);
        assert.equal(team.buildName, build);
        for (const items of [0, 1, 2, 5, 97, 1000, 10_000])
          for (const grain of [1, 3, 7, 64, 1001]) {
            const count = counter(heap, items + 20);
            count.run(team, items, grain);
            const wrong = count.runs().findIndex((runs, item) => runs !== (item < items ? 1 : 0));
            assert.equal(wrong, -1, `${items} items by ${grain}: item ${wrong} was run ${count.runs()[wrong]} times`);
          }
      });
    });

test("commands that follow each other at once are told apart: 100,000 short and long ones, every item exactly once", async () => {
  await withTeam("simd", 2, ({ heap, team }) => {
    const count = counter(heap, 40);
    for (let command = 0; command < 50_000; command++) {
      count.run(team, 2);
      count.run(team, 40);
    }
    assert.deepEqual(count.runs(), [...Array(2).fill(100_000), ...Array(38).fill(50_000)]);
  });
});

test("the count of commands wraps after 2^20 without a stop", async () => {
  await withTeam("simd", 2, ({ heap, team }) => {
    assert.ok("epoch" in team);
    Object.assign(team, { epoch: 2 ** 20 - 4 });
    const count = counter(heap, 40);
    for (let command = 0; command < 8; command++) count.run(team, 40);
    assert.deepEqual(count.runs(), Array(40).fill(8));
  });
});

test("arguments arrive as they are, fractions too, command after command", async () => {
  await withTeam("simd", 2, ({ heap, team }) => {
    const weight = heap.allocate(16);
    heap.floats(weight, 4).fill(1);
    const x = heap.allocate(16 * 8);
    for (let command = 0; command < 1000; command++) {
      const value = 2 ** ((command % 21) - 10);
      heap.floats(x, 32).fill(value);
      team.run("rmsnorm", 8, 1, 4, x, weight, x, 3 * value ** 2, 0); // value / √(value² + 3·value²)
      const halves = heap.floats(x, 32).every((result) => result === 0.5);
      assert.ok(halves, `command ${command}, value ${value}`);
    }
  });
});

/** An address that no memory reaches: the last 64 KB of 4 GB. */
const OUTSIDE = 2 ** 32 - 65536;

test("a kernel that traps is an error at the caller, with one thread or two", async () => {
  for (const threads of [1, 2])
    await withTeam("simd", threads, ({ team }) => {
      assert.throws(() => team.run("fillRows", 1000, 1, 4, OUTSIDE, OUTSIDE), /memory access out of bounds|fillRows/);
    });
});

test("a kernel that traps in a member only is an error at the caller, which does not wait for ever", async () => {
  const heap = new SharedHeap(CONTROL_BYTES);
  // A member whose scratch lies outside memory traps in the first kernel that uses it.
  const spawn = (data: unknown) => spawnThread({ ...(data as MemberData), scratch: OUTSIDE });
  const team = await Team.start(heap, kernelBuild("simd"), spawn, { threads: 2, scratchBytes: 65536 });
  try {
    const [ids, table, out] = [4 * 1000, 1024, 128 * 1000].map((bytes) => heap.allocate(bytes));
    const f32Panels = 10;
    assert.throws(() => {
      // The calling thread may take every item before the member is awake, so it is given more than one chance.
      for (let attempt = 0; attempt < 1000; attempt++) team.run("embed", 1000, 1, f32Panels, 32, table, ids, out, 1);
    }, /embed/);
  } finally {
    await team.stop();
  }
});

test("a member that cannot start is an error of Team.start", async () => {
  const heap = new SharedHeap(CONTROL_BYTES);
  const spawn = (data: unknown) => spawnThread({ ...(data as MemberData), memory: undefined });
  const start = Team.start(heap, kernelBuild("simd"), spawn, { threads: 2, scratchBytes: 64 });
  await assert.rejects(start, /memory|buffer|import/i);
});
