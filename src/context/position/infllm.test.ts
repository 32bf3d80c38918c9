/** What stands for a block, and what the options may be. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePlan } from "../plan.ts";
import { distinctKeys, infllm } from "./infllm.ts";
import { PAGE } from "./zones.ts";

const dimensions = 8;

/** [dimensions][PAGE], all alike but for the keys given by slot. */
function page(others: Record<number, readonly number[]>): Float32Array {
  const keys = new Float32Array(dimensions * PAGE);
  for (let slot = 0; slot < PAGE; slot++)
    for (let c = 0; c < dimensions; c++) keys[c * PAGE + slot] = others[slot]?.[c] ?? 1 + ((slot * 7 + c) % 5) / 100;
  return keys;
}

test("keys that point elsewhere stand for a block, in the order of the text, however short they are", () => {
  const away = [-1, 1, -1, 1, -1, 1, -1, 1];
  const short = [0.01, 0, 0, 0, 0, 0, 0, 0];
  const keys = page({ 9: short, 40: away });
  assert.deepEqual(distinctKeys(keys, 2), Float32Array.from([...short, ...away]));
});

test("keys of 0 are nothing to compare with, and as many as are asked for come back: one, or all", () => {
  assert.deepEqual(distinctKeys(new Float32Array(dimensions * PAGE), 1), new Float32Array(dimensions));
  const keys = page({});
  const all = distinctKeys(keys, PAGE);
  for (let slot = 0; slot < PAGE; slot++)
    for (let c = 0; c < dimensions; c++) assert.equal(all[slot * dimensions + c], keys[c * PAGE + slot]);
});

test("the local window is 4,096 tokens, half of the trained length in whole pages if that is less, at least a page", () => {
  const { position } = parsePlan({ position: { method: "infllm" } });
  for (const [contextLength, expected] of [
    [32_768, 4096],
    [8192, 4096],
    [2048, 1024],
    [1000, 448],
    [64, 64],
  ]) {
    const trained = { base: 10_000, rotary: 64, contextLength };
    const { stores, zones } = infllm.zones!(position as never, trained);
    assert.equal(stores[0].window, expected);
    assert.deepEqual([zones[0].farthest, zones[1].nearest, zones[1].turn(9e5)], [expected, expected, expected]);
  }
});

test("options are checked: whole pages, at least one block, representatives of a page", () => {
  for (const [options, message] of [
    [{ local: 1000 }, /position\.local: expected a multiple of 64/],
    [{ local: 0 }, /position\.local/],
    [{ initial: 4 }, /position\.initial: expected a multiple of 64/],
    [{ blocks: 0 }, /position\.blocks/],
    [{ representatives: 65 }, /position\.representatives/],
    [{ window: 512 }, /window/],
  ] as const)
    assert.throws(() => parsePlan({ position: { method: "infllm", ...options } }), message);
});
