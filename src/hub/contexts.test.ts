import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { contextsOf, keysOnlyOf, leastUsefulFirst } from "./contexts.ts";
import type { StoredBlock } from "./stored-block.ts";

/** Blocks of 100 bytes by name; parents come before their children, which have 64 tokens more. */
function blocksOf(parents: Record<string, string | undefined>, usedAt: Record<string, number> = {}): StoredBlock[] {
  const tokens = new Map<string | undefined, number>();
  return Object.entries(parents).map(([key, parent]) => {
    tokens.set(key, 64 + (tokens.get(parent) ?? 0));
    return { key, parent, model: "tiny", tokens: tokens.get(key)!, bytes: 100, usedAt: new Date(usedAt[key] ?? 0) };
  });
}

/** a ─ b ─ c ─ d, b ─ e, and x alone. */
const tree = { a: undefined, b: "a", c: "b", d: "c", e: "b", x: undefined };

test("every block that is no other's parent is a context with all blocks before it, the last used first", () => {
  const contexts = contextsOf(blocksOf(tree, { d: 1, e: 3, x: 2, a: 9 }));
  const facts = contexts.map(({ key, tokens, bytes, ownBytes, keys, isComplete }) => [
    key,
    tokens,
    bytes,
    ownBytes,
    keys.join(""),
    isComplete,
  ]);
  assert.deepEqual(facts, [
    ["e", 192, 300, 100, "eba", true],
    ["x", 64, 100, 100, "x", true],
    ["d", 256, 400, 200, "dcba", true],
  ]);
});

test("what goes with a context is what no other needs; with all contexts everything goes", () => {
  const contexts = contextsOf(blocksOf(tree));
  const dropping = (...keys: string[]) =>
    keysOnlyOf(
      contexts.filter(({ key }) => keys.includes(key)),
      contexts,
    )
      .sort()
      .join("");
  assert.equal(dropping("d"), "cd");
  assert.equal(dropping("e"), "e");
  assert.equal(dropping("d", "e"), "abcde");
  assert.equal(dropping("d", "e", "x"), "abcdex");
  assert.equal(dropping(), "");
});

test("a context without its beginning is not complete, and blocks that name each other as parents end", () => {
  const broken = blocksOf(tree).filter(({ key }) => key !== "b");
  assert.deepEqual(
    contextsOf(broken).map(({ key, keys, isComplete }) => [key, keys.join(""), isComplete]),
    [
      ["a", "a", true],
      ["d", "dc", false],
      ["e", "e", false],
      ["x", "x", true],
    ],
  );
  const circle = blocksOf({ p: "q", q: "p", r: "q" });
  assert.deepEqual(
    contextsOf(circle).map(({ keys }) => keys.join("")),
    ["rqp"],
  );
  assert.equal(leastUsefulFirst(circle).length, 3);
});

test("given up first: blocks without a beginning, then the least recently used, and never one that another goes on from", () => {
  const blocks = blocksOf({ ...tree, lost: "gone" }, { d: 1, c: 7, e: 3, x: 2, lost: 99 });
  const order = leastUsefulFirst(blocks).map(({ key }) => key);
  assert.deepEqual(order, ["lost", "d", "x", "e", "c", "b", "a"]);
});

test("wherever giving up stops, what is left of complete texts is complete, and no bytes are counted twice as own", () => {
  const nodes = fc.array(fc.record({ parent: fc.nat(), usedAt: fc.nat(20), bytes: fc.nat(9) }), {
    minLength: 1,
    maxLength: 40,
  });
  fc.assert(
    fc.property(nodes, fc.nat(), (nodes, cut) => {
      const tokens: number[] = [];
      const blocks = nodes.map(({ parent, usedAt, bytes }, i): StoredBlock => {
        const before = (parent % (i + 1)) - 1;
        tokens.push(64 + (tokens[before] ?? 0));
        const parentKey = before < 0 ? undefined : `${before}`;
        return { key: `${i}`, parent: parentKey, model: "tiny", tokens: tokens[i], bytes, usedAt: new Date(usedAt) };
      });
      const left = leastUsefulFirst(blocks).slice(cut % blocks.length);
      const contexts = contextsOf(left);
      assert.ok(contexts.every(({ isComplete }) => isComplete));
      assert.deepEqual(new Set(contexts.flatMap(({ keys }) => keys)), new Set(left.map(({ key }) => key)));
      const own = contexts.reduce((sum, { ownBytes }) => sum + ownBytes, 0);
      assert.ok(own <= left.reduce((sum, { bytes }) => sum + bytes, 0));
      for (const context of contexts) {
        const going = new Set(keysOnlyOf([context], contexts));
        const bytes = left.filter(({ key }) => going.has(key)).reduce((sum, block) => sum + block.bytes, 0);
        assert.equal(bytes, context.ownBytes);
      }
    }),
  );
});
