import assert from "node:assert/strict";
import { mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { blockKey } from "../../test/support/block-writer.ts";
import { temporaryFolder } from "../../test/support/sessions.ts";
import { InputError } from "../runtime/errors.ts";
import { DiskBlockStore } from "./block-store.ts";
import { withAllBefore } from "./contexts.ts";

const about = { model: "tiny", tokens: 64 };

async function keysIn(store: DiskBlockStore): Promise<string[]> {
  return (await store.list()).map(({ key }) => key);
}

test("whatever is pinned and however old: eviction takes no block of a pinned chain, and maxBytes holds if the pins allow it", async () => {
  const nodes = fc.array(fc.record({ parent: fc.nat(), minutes: fc.nat(99), isPinned: fc.boolean() }), {
    minLength: 1,
    maxLength: 12,
  });
  await fc.assert(
    fc.asyncProperty(nodes, fc.double({ min: 0.05, max: 1, noNaN: true }), async (nodes, share) => {
      const folder = temporaryFolder();
      const writing = new DiskBlockStore(folder);
      const tokens: number[] = [];
      for (const [i, { parent, minutes, isPinned }] of nodes.entries()) {
        const before = (parent % (i + 1)) - 1;
        tokens.push(64 + (tokens[before] ?? 0));
        const key = blockKey(`${i}`);
        const parentKey = before < 0 ? undefined : blockKey(`${before}`);
        await writing.put(key, new Uint8Array(500), { model: "tiny", parent: parentKey, tokens: tokens[i] });
        const usedAt = new Date(Date.now() - minutes * 60_000);
        utimesSync(join(folder, key.slice(0, 2), key), usedAt, usedAt);
        if (isPinned) await writing.pin(key);
      }
      const blocks = await writing.list();
      const pinned = withAllBefore(await writing.pins(), blocks);
      const { bytes } = await writing.stats();
      const maxBytes = Math.round(bytes * share);
      const store = new DiskBlockStore(folder, { maxBytes });
      await store.put(blockKey("new"), new Uint8Array(500), about);
      const left = new Set(await keysIn(store));
      assert.ok([...pinned].every((key) => left.has(key)));
      const pinnedBytes = blocks.reduce((sum, { key, bytes }) => sum + (pinned.has(key) ? bytes : 0), 0);
      assert.ok((await store.stats()).bytes <= Math.max(maxBytes, pinnedBytes));
    }),
    { numRuns: 40 },
  );
});

test("where pins take more than maxBytes, put works, and what it put is there until a sixteenth more was put", async () => {
  const folder = temporaryFolder();
  const store = new DiskBlockStore(folder, { maxBytes: 32_000 });
  const pinned = Array.from({ length: 5 }, (_, i) => blockKey(`pinned ${i}`));
  for (const key of pinned) {
    await store.pin(key); // Before it is there: a text that is read again is pinned again.
    await store.put(key, new Uint8Array(9000), about);
  }
  const [first, second] = ["first", "second"].map(blockKey);
  await store.put(first, new Uint8Array(4000), about);
  assert.deepEqual(await keysIn(store), [...pinned].sort());
  await store.put(second, new Uint8Array(1000), about);
  assert.ok(await store.get(second));
  for (const key of pinned) assert.equal((await store.get(key))?.length, 9000);
  assert.ok((await store.stats()).bytes > 45_000);
});

test("pins are seen by every store on the folder, set and taken back any number of times, and are none of the blocks", async () => {
  const folder = temporaryFolder();
  const [one, other] = [new DiskBlockStore(folder), new DiskBlockStore(folder)];
  const [a, b] = ["a", "b"].map(blockKey);
  assert.deepEqual(await one.pins(), new Set());
  await one.unpin(a);
  await Promise.all([one.pin(a), other.pin(a), one.pin(b), other.pin(b)]);
  assert.deepEqual(await other.pins(), new Set([a, b]));
  assert.deepEqual(readdirSync(join(folder, "pins")).sort(), [a, b].sort());
  assert.equal((await one.stats()).blocks, 0);
  await Promise.all([one.unpin(a), other.unpin(a)]);
  writeFileSync(join(folder, "pins", "notes"), "mine");
  assert.deepEqual(await one.pins(), new Set([b]));
  for (const wrong of ["", "../../x"]) await assert.rejects(one.pin(wrong), InputError);
});

test("clear leaves pinned chains and takes what goes on from them; with `pinned` nothing is left, not even pins", async () => {
  const folder = temporaryFolder();
  const store = new DiskBlockStore(folder);
  const [a, b, c, x] = ["a", "b", "c", "x"].map(blockKey);
  for (const [key, parent, tokens] of [
    [a, undefined, 64],
    [b, a, 128],
    [c, b, 192],
    [x, undefined, 64],
  ] as const)
    await store.put(key, new Uint8Array(10), { model: "tiny", parent, tokens });
  await store.pin(b);
  await store.clear();
  assert.deepEqual(await keysIn(store), [a, b].sort());
  assert.deepEqual(await store.pins(), new Set([b]));
  await store.clear({ pinned: true });
  assert.deepEqual([(await store.stats()).blocks, (await store.pins()).size], [0, 0]);
});

test("where no pin can be written it is an InputError that names the folder", async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "pins", blockKey("a")), { recursive: true });
  await assert.rejects(new DiskBlockStore(folder).pin(blockKey("a")), (error: Error) => {
    return error instanceof InputError && error.message.startsWith(`${folder}: the context cache cannot be written`);
  });
});
