import assert from "node:assert/strict";
import { test } from "node:test";
import { CapacityError, exitCodeOf, InputError, UnsupportedError } from "./errors.ts";

test("errors carry their class name, message and facts, and an exit code", () => {
  for (const [Class, name, exitCode] of [
    [InputError, "InputError", 2],
    [UnsupportedError, "UnsupportedError", 2],
    [CapacityError, "CapacityError", 3],
  ] as const) {
    const error = new Class("where: expected 1, got 2. Do that.", { expected: 1, got: 2 });
    assert.ok(error instanceof Error && error instanceof Class);
    assert.equal(`${error}`, `${name}: where: expected 1, got 2. Do that.`);
    assert.deepEqual([error.expected, error.got, exitCodeOf(error)], [1, 2, exitCode]);
  }
  assert.equal(exitCodeOf(new Error("our bug")), 1);
  assert.equal(exitCodeOf("anything"), 1);
});
