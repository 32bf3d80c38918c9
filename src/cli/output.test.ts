import assert from "node:assert/strict";
import { test } from "node:test";
import { withinTerminal } from "./output.ts";

test("lines wider than the terminal are cut to its width, and nothing is cut where there is no terminal", () => {
  const table = "name  size\nlonger name  1\n\n";
  assert.equal(withinTerminal(table, { isTTY: true, columns: 10 }), "name  size\nlonger na…\n\n");
  assert.equal(withinTerminal(table, { columns: 10 }), table);
  assert.equal(withinTerminal(table, { isTTY: true, columns: 0 }), table); // what some pseudo-terminals say
});
