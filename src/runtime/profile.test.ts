import assert from "node:assert/strict";
import { after, before, mock, test } from "node:test";
import { withTeam } from "../../test/support/kernels.ts";
import { BETWEEN_KERNELS, Profile, type Work } from "./profile.ts";

/** A clock that stands still but where it is told to go on, in milliseconds. */
let clock = 1000;
before(() => mock.method(performance, "now", () => clock));
after(() => mock.restoreAll());

function wait(milliseconds: number): void {
  clock += milliseconds;
}

/** As a command that took so long. */
function ran(profile: Profile, kernel: "rope" | "matmuls", milliseconds: number, items = 1): void {
  const started = clock;
  wait(milliseconds);
  profile.add(kernel, items, [items, 10], started);
}

for (const threads of [1, 2])
  test(`${threads} threads: a team adds every command that ran to its profile, with its items and arguments, and none that failed`, async () => {
    await withTeam("simd", threads, ({ heap, team }) => {
      const seen: [string, number, readonly number[]][] = [];
      const profile = new Profile((...command) => void seen.push(command));
      const x = heap.allocate(16 * 100);
      team.run("fillRows", 100, 1, 4, x, x);
      team.profile = profile;
      team.run("fillRows", 100, 1, 4, x, x);
      team.run("fillRows", 2, 4, 4, x, x);
      team.run("siluMul", 3, 1, 4, x, x);
      assert.throws(() => team.run("siluMul", 1000, 1, 4, 2 ** 32 - 65536, x));
      team.profile = undefined;
      team.run("siluMul", 3, 1, 4, x, x);
      assert.deepEqual(seen, [
        ["fillRows", 100, [4, x, x]],
        ["fillRows", 2, [4, x, x]],
        ["siluMul", 3, [4, x, x]],
      ]);
      const calls = Object.fromEntries(profile.rows().map((row) => [row.kernel, row.calls]));
      assert.deepEqual(calls, { fillRows: 2, siluMul: 1, [BETWEEN_KERNELS]: 0 });
    });
  });

test("work of a kernel's commands is summed by what is multiplied; a kernel whose work nobody counts has none", () => {
  const workOf = (kernel: string, items: number, [first, second]: readonly number[]): Work | undefined =>
    kernel === "matmuls" ? { operations: { [items === 1 ? "i4" : "f32"]: first }, bytes: second } : undefined;
  const profile = new Profile(workOf);
  for (const items of [1, 2, 3]) ran(profile, "matmuls", 0, items);
  ran(profile, "rope", 3);
  const [rope, matmuls] = profile.rows();
  assert.deepEqual([matmuls.kernel, matmuls.operations, matmuls.bytes], ["matmuls", { i4: 1, f32: 5 }, 30]);
  assert.deepEqual(Object.keys(rope), ["kernel", "calls", "seconds"]);
});

test("what a call takes besides its commands is between them, and counting is in neither", () => {
  const slow = new Profile(() => void wait(2000));
  const call = () => {
    wait(250);
    ran(slow, "rope", 500);
    wait(750);
    return "done";
  };
  for (let i = 0; i < 2; i++) assert.equal(slow.call(call), "done");
  assert.deepEqual(slow.rows(), [
    { kernel: "rope", calls: 2, seconds: 1 },
    { kernel: BETWEEN_KERNELS, calls: 2, seconds: 2 },
  ]);
});

test("reset: rows are of what was before, all begins anew, and the call that it was asked in does not count", () => {
  const profile = new Profile(() => ({ operations: { f32: 1 }, bytes: 1 }));
  ran(profile, "rope", 0);
  const before = profile.call(() => profile.rows(true));
  assert.deepEqual(
    before.map(({ kernel, calls }) => [kernel, calls]),
    [
      ["rope", 1],
      [BETWEEN_KERNELS, 0],
    ],
  );
  assert.deepEqual(profile.rows(), [{ kernel: BETWEEN_KERNELS, calls: 0, seconds: 0 }]);
  ran(profile, "rope", 0);
  assert.equal(profile.rows()[0].calls, 1);
  assert.deepEqual(before[0].operations, { f32: 1 });
});

test("a call that throws counts, and throws", () => {
  const profile = new Profile(() => undefined);
  const fail = () => {
    throw new RangeError("no");
  };
  assert.throws(() => profile.call(fail), RangeError);
  assert.equal(profile.rows()[0].calls, 1);
});
