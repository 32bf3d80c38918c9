import assert from "node:assert/strict";
import { test } from "node:test";
import { builds, kernelBuild, spawnThread, withTeam } from "../../test/support/kernels.ts";
import { SharedHeap } from "./memory.ts";
import { CONTROL_BYTES, type MemberData, Team } from "./team.ts";

for (const build of builds)
  for (const threads of [1, 2, 3])
    test(`${build}, ${threads} threads: every item is run exactly once, for any number of items and grain`, async () => {
      await withTeam(build, threads, ({ heap, team }) => {
        assert.equal(team.threads, threads);
        assert.equal(team.buildName, build);
        const one = heap.allocate(16);
        heap.floats(one, 4).fill(1);
        const counts = heap.allocate(16 * 1100);
        for (const items of [0, 1, 2, 5, 97, 1000])
          for (const grain of [1, 3, 7, 64, 1001]) {
            const all = heap.floats(counts, 4 * 1100).fill(0);
            const source = heap.allocate(16 * 1000);
            heap.floats(source, 4000).fill(1);
            // Rows of ones have a norm of 1, so with `add` each run of a row adds 1 to it.
            team.run("rmsnorm", items, grain, 4, source, one, counts, 0, 1);
            const wrong = all.findIndex((count, i) => count !== (i < 4 * items ? 1 : 0));
            assert.equal(wrong, -1, `${items} items by ${grain}: item ${wrong >> 2} was run ${all[wrong]} times`);
          }
      });
    });

test("arguments arrive as they are: addresses above 2 GB, fractions, many of them, one command after another", async () => {
  await withTeam("simd", 2, ({ heap, team }) => {
    const weight = heap.allocate(16);
    heap.floats(weight, 4).fill(1);
    const x = heap.allocate(16 * 8);
    for (let command = 1; command <= 2000; command++) {
      heap.floats(x, 32).fill(command);
      // Rows of c with eps = 3c² have a root of 2c.
      team.run("rmsnorm", 8, 1, 4, x, weight, x, 3 * command ** 2, 0);
      assert.ok(
        heap.floats(x, 32).every((value) => value === 0.5),
        `command ${command}`,
      );
    }
  });
});

const OUTSIDE = 2 ** 32 - 65536;

test("a kernel that traps on the calling thread is an error there, with one thread or two", async () => {
  for (const threads of [1, 2])
    await withTeam("simd", threads, ({ team }) => {
      assert.throws(() => team.run("fillRows", 1000, 1, 4, OUTSIDE, OUTSIDE), WebAssembly.RuntimeError);
    });
});

test("a kernel that traps in a member is an error at the caller, which does not hang", async () => {
  const heap = new SharedHeap(CONTROL_BYTES);
  // A member whose scratch lies outside memory traps in the first kernel that uses it.
  const spawn = (data: unknown) => spawnThread({ ...(data as MemberData), scratch: OUTSIDE });
  const team = await Team.start(heap, kernelBuild("simd"), spawn, { threads: 2, scratchBytes: 65536 });
  try {
    const ids = heap.allocate(4000);
    const table = heap.allocate(1024);
    const out = heap.allocate(128 * 1000);
    const F32 = 10;
    const embed = () => team.run("embed", 1000, 1, F32, 32, table, ids, out, 1);
    assert.throws(() => {
      // The calling thread may have taken every item before the member is awake.
      for (let attempt = 0; attempt < 1000; attempt++) embed();
    }, /kernel embed failed in a worker thread/);
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
