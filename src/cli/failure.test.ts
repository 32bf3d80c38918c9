import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { CapacityError, InputError, UnsupportedError } from "../runtime/errors.ts";
import { reportFailure } from "./failure.ts";
import { Interrupted } from "./interrupt.ts";

function report(error: unknown): { code: number; text: string } {
  let text = "";
  const write = mock.method(process.stderr, "write", (chunk: string) => {
    text += chunk;
    return true;
  });
  try {
    return { code: reportFailure(error, ["ask", "book.txt"]), text };
  } finally {
    write.mock.restore();
  }
}

test("expected errors are their message alone: 2 for bad input, 3 for too little capacity", () => {
  assert.deepEqual(report(new InputError("a: b.")), { code: 2, text: "longspan: a: b.\n" });
  assert.deepEqual(report(new UnsupportedError("a: b.")), { code: 2, text: "longspan: a: b.\n" });
  assert.deepEqual(report(new CapacityError("a: b.")), { code: 3, text: "longspan: a: b.\n" });
});

test("an interruption is exit code 130, also as the AbortError of Node's own functions", () => {
  assert.deepEqual(report(new Interrupted("interrupted")), { code: 130, text: "longspan: interrupted\n" });
  assert.equal(report(new DOMException("stopped", "AbortError")).code, 130);
});

test("anything else is our bug: exit code 1, with the stack, the system, the command and the wish for a report", () => {
  const { code, text } = report(new TypeError("x is not a function"));
  assert.equal(code, 1);
  assert.match(text, /^TypeError: x is not a function\n {4}at .*failure\.test/);
  assert.match(text, /bug in Longspan\. Please report it/);
  assert.match(text, new RegExp(`node ${process.version}, .*\nlongspan ask book\\.txt\n$`));
});
