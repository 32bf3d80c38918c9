import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, truncateSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { blockKey, payloadOf } from "../../test/support/block-writer.ts";
import { temporaryFolder } from "../../test/support/sessions.ts";
import { InputError } from "../runtime/errors.ts";
import { DiskBlockStore } from "./block-store.ts";
import { contextFileBytes, exportContext, importContext } from "./context-file.ts";
import { type Context, contextsOf } from "./contexts.ts";

function newStore() {
  const folder = temporaryFolder();
  return { folder, store: new DiskBlockStore(folder) };
}

function fileOf(folder: string, key: string): string {
  return join(folder, key.slice(0, 2), key);
}

/** Puts a chain of small blocks with these names and gives its context. */
async function putChain(store: DiskBlockStore, names: readonly string[]): Promise<Context> {
  for (const [i, name] of names.entries()) {
    const key = blockKey(name);
    const parent = i === 0 ? undefined : blockKey(names[i - 1]);
    await store.put(key, payloadOf(key).subarray(0, 300), { model: "tiny", parent, tokens: 64 * (i + 1) });
  }
  return contextOf(store, blockKey(names.at(-1)!));
}

async function contextOf(store: DiskBlockStore, key: string): Promise<Context> {
  return contextsOf(await store.list()).find((context) => context.key === key)!;
}

async function keysIn(store: DiskBlockStore): Promise<string[]> {
  return (await store.list()).map(({ key }) => key);
}

const places = temporaryFolder();
const path = join(places, "book.ctx");

test("any contexts, with shared beginnings, arrive byte for byte in another folder; what was there already is not new", async () => {
  // Each node goes on from an earlier one, or begins a text.
  const forests = fc.array(fc.nat(), { minLength: 1, maxLength: 10 });
  await fc.assert(
    fc.asyncProperty(forests, async (parents) => {
      const [from, to] = [newStore(), newStore()];
      const tokens: number[] = [];
      for (const [i, choice] of parents.entries()) {
        const before = (choice % (i + 1)) - 1;
        tokens.push(64 + (tokens[before] ?? 0));
        const parent = before < 0 ? undefined : blockKey(`${before}`);
        const key = blockKey(`${i}`);
        await from.store.put(key, payloadOf(key).subarray(0, 2000), { model: "tiny", parent, tokens: tokens[i] });
      }
      const arrived = new Set<string>();
      for (const context of contextsOf(await from.store.list())) {
        const done: number[] = [];
        await exportContext(from.store, context, path, { force: true, onProgress: (bytes) => done.push(bytes) });
        assert.equal(readFileSync(path).length, contextFileBytes(context));
        assert.equal(done.at(-1), contextFileBytes(context));
        const newBlocks = context.keys.filter((key) => !arrived.has(key)).length;
        const { key, tokens, keys } = context;
        const facts = { key, model: "tiny", tokens, blocks: keys.length };
        assert.deepEqual(await importContext(to.store, path), { ...facts, newBlocks });
        assert.deepEqual(await importContext(to.store, path), { ...facts, newBlocks: 0 });
        for (const key of keys) arrived.add(key);
      }
      assert.deepEqual(await keysIn(to.store), await keysIn(from.store));
      for (const key of arrived)
        assert.deepEqual(readFileSync(fileOf(to.folder, key)), readFileSync(fileOf(from.folder, key)));
    }),
    { numRuns: 25 },
  );
  assert.deepEqual(readdirSync(places), ["book.ctx"]);
});

test("a file with any byte changed, cut off or added is refused by name and place; the sound blocks before are kept", async () => {
  const from = newStore();
  const context = await putChain(from.store, ["1", "2", "3", "4"]);
  await exportContext(from.store, context, path, { force: true });
  const whole = readFileSync(path);
  const chain = context.keys.toReversed();
  const ends = [8];
  for (const key of chain) ends.push(ends.at(-1)! + 4 + readFileSync(fileOf(from.folder, key)).length);

  const expectRefused = async (bytes: Uint8Array, place: number) => {
    writeFileSync(path, bytes);
    const { store, folder } = newStore();
    const sound = ends.slice(1).filter((end) => end <= place).length;
    await assert.rejects(importContext(store, path), (error: Error) => {
      assert.ok(error instanceof InputError && error.message.startsWith(`${path}: expected a `), error.stack);
      if (place >= 8) assert.match(error.message, new RegExp(`block ${sound + 1}, at byte ${ends[sound]}, `));
      if (sound > 0) assert.match(error.message, new RegExp(`The ${sound} sound blocks? before it (is|are) kept`));
      return true;
    });
    assert.deepEqual(await keysIn(store), chain.slice(0, sound).sort());
    for (const key of chain.slice(0, sound))
      assert.deepEqual(readFileSync(fileOf(folder, key)), readFileSync(fileOf(from.folder, key)));
  };
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (place, flips) => {
      const changed = Uint8Array.from(whole);
      changed[place] ^= flips;
      await expectRefused(changed, place);
    }),
    { numRuns: 60 },
  );
  const lengths = fc.oneof(fc.nat(whole.length - 1), fc.constantFrom(...ends));
  await fc.assert(
    fc.asyncProperty(lengths, (length) => expectRefused(whole.subarray(0, length), length)),
    { numRuns: 40 },
  );
  await expectRefused(Buffer.concat([whole, Buffer.of(0)]), whole.length);
  // Whole blocks in the wrong order, or without the first.
  const [one, two, three] = chain.map((_, i) => whole.subarray(ends[i], ends[i + 1]));
  await expectRefused(Buffer.concat([whole.subarray(0, 8), one, three, two]), ends[1]);
  await expectRefused(Buffer.concat([whole.subarray(0, 8), two, three]), 8);
  await expectRefused(Buffer.concat([whole.subarray(0, 8), Buffer.alloc(4)]), 8);
});

test("foreign files, folders and missing files are refused with what to do; a length of 4 GB takes no memory", async () => {
  const { store } = newStore();
  const foreign = join(temporaryFolder(), "foreign");
  writeFileSync(foreign, "This is text, and not what another machine has read.");
  await assert.rejects(importContext(store, foreign), /expected a file made by longspan cache export.*Give the file/);
  writeFileSync(foreign, Buffer.concat([Buffer.from("LSPNCTX1"), Buffer.alloc(4, 255)]));
  await assert.rejects(importContext(store, foreign), /block 1, at byte 8, is said to be 4294967295 bytes long/);
  writeFileSync(foreign, "");
  await assert.rejects(importContext(store, foreign), InputError);
  await assert.rejects(importContext(store, temporaryFolder()), /EISDIR.*Check the path/);
  await assert.rejects(importContext(store, join(foreign, "none")), /ENOTDIR.*Check the path/);
  assert.deepEqual(await keysIn(store), []);
});

test("a block that is damaged in the importing store is replaced and counts as new", async () => {
  const from = newStore();
  const context = await putChain(from.store, ["1", "2"]);
  await exportContext(from.store, context, path, { force: true });
  truncateSync(fileOf(from.folder, context.key), 100);
  assert.equal((await importContext(from.store, path)).newBlocks, 1);
  assert.deepEqual(await from.store.get(context.key), payloadOf(context.key).subarray(0, 300));
});

test("an existing file is replaced with force only, a folder never", async () => {
  const { store } = newStore();
  const context = await putChain(store, ["1", "2"]);
  const folder = temporaryFolder();
  const taken = join(folder, "taken");
  writeFileSync(taken, "mine");
  await assert.rejects(exportContext(store, context, taken), /expected a name that is free.*--force/);
  assert.equal(readFileSync(taken, "utf8"), "mine");
  await exportContext(store, context, taken, { force: true });
  assert.equal(readFileSync(taken).length, contextFileBytes(context));
  mkdirSync(join(folder, "sub"));
  await assert.rejects(exportContext(store, context, join(folder, "sub"), { force: true }), InputError);
  await assert.rejects(exportContext(store, context, join(folder, "no", "file")), /ENOENT.*folder that you may write/);
  assert.deepEqual(readdirSync(folder).sort(), ["sub", "taken"]);
});

test("a context that is incomplete, damaged or removed meanwhile is not exported, and nothing of its file is left", async () => {
  const folder = temporaryFolder();
  const target = join(folder, "book.ctx");
  for (const harm of [unlinkSync, (path: string) => truncateSync(path, 90)]) {
    const from = newStore();
    const context = await putChain(from.store, ["1", "2", "3"]);
    let isWritten = false;
    const onProgress = () => {
      if (!isWritten) harm(fileOf(from.folder, blockKey("2")));
      isWritten = true;
    };
    await assert.rejects(
      exportContext(from.store, context, target, { onProgress }),
      /block 2 of 3 is missing or damaged\. Read the text again/,
    );
    assert.ok(isWritten);
  }
  const { store } = newStore();
  const { key } = await putChain(store, ["1", "2", "3"]);
  await store.remove([blockKey("1")]);
  await assert.rejects(exportContext(store, await contextOf(store, key), target), /its beginning is missing/);
  assert.deepEqual(readdirSync(folder), []);
});

test("an abort ends both between two blocks: no file is left of an export, the blocks before of an import", async () => {
  const { store } = newStore();
  const context = await putChain(store, ["1", "2", "3"]);
  const folder = temporaryFolder();
  const target = join(folder, "book.ctx");
  const stopAtOnce = () => {
    const controller = new AbortController();
    return { signal: controller.signal, onProgress: () => controller.abort(new Error("enough")) };
  };
  await assert.rejects(exportContext(store, context, target, stopAtOnce()), /enough/);
  assert.deepEqual(readdirSync(folder), []);
  await exportContext(store, context, target);
  const to = newStore();
  await assert.rejects(importContext(to.store, target, stopAtOnce()), /enough/);
  assert.deepEqual(await keysIn(to.store), [blockKey("1")]);
});
