import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "./random.ts";

test("the same path gives the same numbers, another path others, and a fork does not disturb its parent", () => {
  const draw = (random: ReturnType<typeof createRandom>) => Array.from({ length: 5 }, () => random.int(1e9));
  assert.deepEqual(draw(createRandom(1, "niah", 4096)), draw(createRandom(1, "niah", 4096)));
  for (const other of [createRandom(2, "niah", 4096), createRandom(1, "niah4096"), createRandom("1", "niah", 4096)])
    assert.notDeepEqual(draw(createRandom(1, "niah", 4096)), draw(other));
  const parent = createRandom(3);
  parent.fork("x").next();
  assert.deepEqual(draw(parent), draw(createRandom(3)));
});

test("10,000 whole numbers below 10: each is drawn within 5 standard deviations (30) of 1,000 times", () => {
  const random = createRandom("uniform");
  const counts = new Array(10).fill(0);
  for (let i = 0; i < 10_000; i++) counts[random.int(10)]++;
  for (const count of counts) assert.ok(Math.abs(count - 1000) < 150, `${counts}`);
});

test("sample takes different items, shuffle keeps all, between includes both ends", () => {
  const random = createRandom("items");
  const items = Array.from({ length: 20 }, (_, i) => i);
  assert.equal(new Set(random.sample(items, 15)).size, 15);
  assert.deepEqual(
    random.shuffle(items).sort((a, b) => a - b),
    items,
  );
  const drawn = new Set(Array.from({ length: 200 }, () => random.between(3, 5)));
  assert.deepEqual([...drawn].sort(), [3, 4, 5]);
});

test("UUIDs have the form of version 4", () => {
  const random = createRandom("uuid");
  for (let i = 0; i < 20; i++)
    assert.match(random.uuid(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});
