import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parsePythonLiteral } from "./python-literal.ts";

test("Python literals: what JSON says is read alike, and quotes, escapes, tuples and names too (fast-check)", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      assert.deepEqual(parsePythonLiteral(JSON.stringify(value)), JSON.parse(JSON.stringify(value)));
    }),
    { numRuns: 200, seed: 1 },
  );
  assert.deepEqual(parsePythonLiteral(`{'a': ("x'y", 'it\\'s', 'n\\n\\x41\\u00e9'), 1: None, }`), {
    a: ["x'y", "it's", "n\nA\u00e9"],
    1: null,
  });
  for (const broken of ["", "[1", "{'a'}", "'a", "[1] x", "name", "[1 2]"])
    assert.equal(parsePythonLiteral(broken), undefined, broken);
});
