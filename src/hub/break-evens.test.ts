import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryFolder } from "../../test/support/sessions.ts";
import { parsePlan } from "../context/plan.ts";
import { BreakEvens } from "./break-evens.ts";

process.env.LONGSPAN_HOME = temporaryFolder();

const model = join(temporaryFolder(), "model.gguf");
const other = join(temporaryFolder(), "other.gguf");
writeFileSync(model, "weights");
writeFileSync(other, "other weights");
const place = { threads: 2, version: "1.0.0", machine: "x64 processor" };
const here = new BreakEvens(model, place);
const planOf = (options: object = {}, cache: object = {}) =>
  parsePlan({ prefill: { method: "block-sparse", ...options }, cache });
const plan = planOf();

test("what was stored is found again, the last one, also where a method is never faster", () => {
  assert.equal(here.find(plan), undefined);
  for (const tokens of [5200, Number.POSITIVE_INFINITY, 6000]) {
    here.store(plan, tokens);
    assert.equal(here.find(plan), tokens);
  }
  assert.equal(new BreakEvens(model, { ...place }).find(planOf({ select: "fastkv" })), 6000);
});

test("nothing is found for another machine, number of threads, program, model, method, option or format", () => {
  here.store(plan, 5200);
  for (const change of [{ machine: "arm64 processor" }, { threads: 1 }, { version: "1.0.1" }])
    assert.equal(new BreakEvens(model, { ...place, ...change }).find(plan), undefined, JSON.stringify(change));
  assert.equal(new BreakEvens(other, place).find(plan), undefined);
  assert.equal(new BreakEvens(join(temporaryFolder(), "none.gguf"), place).find(plan), undefined);
  for (const changed of [
    planOf({ mass: 0.95 }),
    planOf({ denseBelow: 2048 }),
    planOf({}, { format: "f32" }),
    planOf({}, { layers: [{ layers: [0], format: "f32" }] }),
    parsePlan({ prefill: "flex" }),
  ])
    assert.equal(here.find(changed), undefined, JSON.stringify(changed.prefill));
  assert.equal(here.find(plan), 5200);
});

test("a damaged record, or that of another choice under its name, counts as none, and can be stored anew", () => {
  const path = here.store(plan, 5200);
  const whole = readFileSync(path, "utf8");
  const foreign = readFileSync(here.store(planOf({ mass: 0.7 }), 4100), "utf8");
  for (const damaged of ["", "null", "{}", whole.slice(0, -9), whole.replace("5200", "200"), foreign]) {
    assert.notEqual(damaged, whole);
    writeFileSync(path, damaged);
    assert.equal(here.find(plan), undefined, damaged);
  }
  writeFileSync(path, whole);
  assert.equal(here.find(plan), 5200);
});
