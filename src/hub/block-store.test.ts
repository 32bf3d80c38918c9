import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { copyFile, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { mock, test } from "node:test";
import fc from "fast-check";
import { blockKey, payloadOf } from "../../test/support/block-writer.ts";
import { random } from "../../test/support/random.ts";
import { temporaryFolder } from "../../test/support/sessions.ts";
import { InputError } from "../runtime/errors.ts";
import { DiskBlockStore } from "./block-store.ts";

const about = { model: "tiny", tokens: 64 };
const key = blockKey("key");

function fileOf(folder: string, key: string): string {
  return join(folder, key.slice(0, 2), key);
}

/** A store that remembers what it reports. */
function reportingStore(folder: string) {
  const reasons: string[] = [];
  const store = new DiskBlockStore(folder, { onDamaged: (path, reason) => reasons.push(`${path}: ${reason}`) });
  return { store, reasons };
}

test("payloads of 0 to 5,000 bytes come back exactly, from any store on the folder, and are listed with what was said of them", async () => {
  const payloads = fc.uint8Array({ maxLength: 5000 });
  const abouts = fc.record(
    { model: fc.string({ unit: "binary" }), parent: fc.string().map(blockKey), tokens: fc.nat() },
    { requiredKeys: ["model", "tokens"] },
  );
  const folder = temporaryFolder();
  await fc.assert(
    fc.asyncProperty(payloads, abouts, fc.constantFrom("a", "b", "c"), async (payload, about, name) => {
      const key = blockKey(name);
      const { store, reasons } = reportingStore(folder);
      await store.put(key, payload, about);
      assert.deepEqual(await reportingStore(folder).store.get(key), new Uint8Array(payload));
      const [{ bytes, usedAt, ...stored }] = await store.list();
      assert.deepEqual(stored, { parent: undefined, ...about, key });
      assert.equal(bytes, statSync(fileOf(folder, key)).size);
      assert.ok(Math.abs(Date.now() - usedAt.getTime()) < 60_000);
      assert.deepEqual(await store.stats(), { blocks: 1, bytes, maxBytes: 8 * 2 ** 30 });
      await store.remove([key, blockKey("none")]);
      assert.equal(await store.get(key), undefined);
      assert.deepEqual(await store.list(), []);
      assert.deepEqual(reasons, []);
    }),
    { numRuns: 40 },
  );
});

test("a file with any byte changed, cut off or added is never served, but removed and reported; then the block can be put again", async () => {
  const folder = temporaryFolder();
  const { store, reasons } = reportingStore(folder);
  const path = fileOf(folder, key);
  const payload = payloadOf(key).subarray(0, 400);
  await store.put(key, payload, about);
  const whole = readFileSync(path);
  const expectRefused = async (bytes: Uint8Array) => {
    reasons.length = 0;
    writeFileSync(path, bytes);
    assert.equal(await store.get(key), undefined);
    assert.equal(reasons.length, 1);
    assert.ok(reasons[0].startsWith(`${path}: `), reasons[0]);
    assert.equal(existsSync(path), false);
    assert.equal(await store.get(key), undefined);
    assert.equal(reasons.length, 1);
  };
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (place, flips) => {
      const changed = Uint8Array.from(whole);
      changed[place] ^= flips;
      await expectRefused(changed);
    }),
    { numRuns: 150 },
  );
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length - 1), (length) => expectRefused(whole.subarray(0, length))),
    { numRuns: 100 },
  );
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 100 }), (end) =>
      expectRefused(Buffer.concat([whole, end])),
    ),
    { numRuns: 20 },
  );
  await expectRefused(Buffer.from("This is text, and longer than the least that a block's file could have."));
  await store.put(key, payload, about);
  assert.deepEqual(readFileSync(path), whole);
  assert.deepEqual(await store.get(key), payload);
});

test("a whole file under the name of another key is not served, not listed, and reported by the key that it has", async () => {
  const folder = temporaryFolder();
  const { store, reasons } = reportingStore(folder);
  await store.put(key, payloadOf(key), about);
  const other = blockKey("other");
  mkdirSync(dirname(fileOf(folder, other)), { recursive: true });
  await copyFile(fileOf(folder, key), fileOf(folder, other));
  assert.deepEqual(
    (await store.list()).map((block) => block.key),
    [key],
  );
  assert.equal(await store.get(other), undefined);
  assert.deepEqual(reasons, [`${fileOf(folder, other)}: holds another block (${key})`]);
  assert.equal(existsSync(fileOf(folder, other)), false);
  assert.deepEqual(await store.get(key), payloadOf(key));
});

test("what is no key is refused before it becomes part of a path", async () => {
  const store = new DiskBlockStore(temporaryFolder());
  for (const wrong of ["", "../../etc/passwd", key.slice(1), key.toUpperCase(), `${key}\n`, `../${key}`]) {
    const isRefusal = (error: Error) => error instanceof InputError && /64 lower-case hexadecimal/.test(error.message);
    await assert.rejects(store.get(wrong), isRefusal);
    await assert.rejects(store.put(wrong, new Uint8Array(), about), isRefusal);
    await assert.rejects(store.put(key, new Uint8Array(), { ...about, parent: wrong }), isRefusal);
    await assert.rejects(store.remove([wrong]), isRefusal);
  }
  assert.deepEqual(await store.list(), []);
});

test("a block that is there is not written again but counts as used, at most once a minute", async () => {
  const folder = temporaryFolder();
  const store = new DiskBlockStore(folder);
  const path = fileOf(folder, key);
  await store.put(key, payloadOf(key), about);
  const { ino } = statSync(path);
  for (const use of [() => store.put(key, Uint8Array.of(1), about), () => store.get(key)])
    for (const [secondsAgo, isTouched] of [
      [50, false],
      [70, true],
    ] as const) {
      const before = new Date(Date.now() - secondsAgo * 1000);
      utimesSync(path, before, before);
      await use();
      assert.equal(Date.now() - statSync(path).mtimeMs < 40_000, isTouched, `${secondsAgo} s`);
    }
  assert.equal(statSync(path).ino, ino);
  assert.deepEqual(await store.get(key), payloadOf(key));
});

test("above maxBytes the least recently used go, damaged ones before them, until 90 % is left", async () => {
  const folder = temporaryFolder();
  const names = ["c", "a", "d", "b", "e", "f", "g", "h", "i", "j"].map(blockKey);
  const writing = new DiskBlockStore(folder);
  for (const [i, name] of names.entries()) {
    await writing.put(name, new Uint8Array(1000), about);
    const usedAt = new Date(Date.now() - (100 - i) * 60_000);
    utimesSync(fileOf(folder, name), usedAt, usedAt);
  }
  const { bytes } = await writing.stats();
  const store = new DiskBlockStore(folder, { maxBytes: bytes });
  assert.ok(await store.get(names[0])); // Now the most recently used of the ten.
  truncateSync(fileOf(folder, names[9]), 5); // No block any more.
  await store.put(blockKey("k"), new Uint8Array(2000), about);
  const kept = [names[0], ...names.slice(3, 9), blockKey("k")];
  assert.deepEqual((await store.list()).map((block) => block.key).sort(), kept.sort());
  assert.ok((await store.stats()).bytes <= 0.9 * bytes);
});

test("a text that was used keeps its beginning: its last blocks go first, whatever the order of their marks", async () => {
  const folder = temporaryFolder();
  const writing = new DiskBlockStore(folder);
  const chain = Array.from({ length: 8 }, (_, i) => blockKey(`chain ${i}`));
  const store = new DiskBlockStore(folder, { maxBytes: 9000 });
  for (const [i, name] of chain.entries()) {
    await writing.put(name, new Uint8Array(1000), { model: "tiny", parent: chain[i - 1], tokens: 64 * (i + 1) });
    const usedAt = new Date(Date.now() - (100 - i) * 60_000);
    utimesSync(fileOf(folder, name), usedAt, usedAt);
  }
  await store.put(blockKey("new"), new Uint8Array(1000), about);
  const kept = (await store.list()).map((block) => block.key);
  assert.ok(kept.length > 4 && kept.length < 9, `${kept.length}`);
  assert.deepEqual(kept.sort(), [...chain.slice(0, kept.length - 1), blockKey("new")].sort());
});

test("maxBytes holds after every put, also for a block larger than it, and temporaries go only if older than an hour", async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "aa"));
  const [young, old] = ["1", "2"].map((name) => join(folder, "aa", `aa${name}.part`));
  for (const path of [young, old]) writeFileSync(path, "part");
  const longAgo = new Date(Date.now() - 3_601_000);
  utimesSync(old, longAgo, longAgo);
  const store = new DiskBlockStore(folder, { maxBytes: 20_000 });
  await fc.assert(
    fc.asyncProperty(fc.string(), fc.nat(25_000), async (name, length) => {
      await store.put(blockKey(name), new Uint8Array(length), about);
      assert.ok((await store.stats()).bytes <= 20_000);
    }),
    { numRuns: 60 },
  );
  assert.deepEqual([young, old].map(existsSync), [true, false]);
});

test("what another process puts is noticed once a sixteenth of maxBytes was put here", async () => {
  const folder = temporaryFolder();
  const store = new DiskBlockStore(folder, { maxBytes: 32_000 });
  await store.put(blockKey("first"), new Uint8Array(10), about);
  const other = new DiskBlockStore(folder);
  for (let i = 0; i < 40; i++) await other.put(blockKey(`other ${i}`), new Uint8Array(1000), about);
  for (let i = 0; i < 2; i++) await store.put(blockKey(`more ${i}`), new Uint8Array(1000), about);
  assert.ok((await store.stats()).bytes <= 32_000);
});

test("four stores that put, get, evict and remove in one folder at once never give a wrong payload, and report none", async () => {
  const folder = temporaryFolder();
  const damaged: string[] = [];
  const onDamaged = (path: string, reason: string) => damaged.push(`${path} ${reason}`);
  const keys = Array.from({ length: 30 }, (_, i) => blockKey(`shared ${i}`));
  const payloads = new Map(keys.map((key) => [key, payloadOf(key).subarray(0, 20_000)]));
  let served = 0;
  const work = async (seed: number) => {
    const store = new DiskBlockStore(folder, { maxBytes: 200_000, onDamaged });
    const next = random(seed);
    for (let i = 0; i < 100; i++) {
      const key = keys[Math.floor(next() * keys.length)];
      const action = next();
      if (action < 0.45) await store.put(key, payloads.get(key)!, about);
      else if (action < 0.9) {
        const payload = await store.get(key);
        if (payload) served++;
        if (payload) assert.deepEqual(payload, payloads.get(key));
      } else if (action < 0.95) await store.remove([key]);
      else await store.list();
    }
  };
  await Promise.all([1, 2, 3, 4].map(work));
  assert.deepEqual(damaged, []);
  assert.ok(served > 20, `${served} served`);
});

test("a folder that cannot be written is an InputError that names it; reading from it finds nothing", async () => {
  const file = join(temporaryFolder(), "file");
  writeFileSync(file, "not a folder");
  const folder = join(file, "contexts");
  const { store, reasons } = reportingStore(folder);
  await assert.rejects(store.put(key, payloadOf(key), about), (error: Error) => {
    return (
      error instanceof InputError &&
      error.message.startsWith(`${folder}: the context cache cannot be written (ENOTDIR).`)
    );
  });
  assert.equal(await store.get(key), undefined);
  assert.deepEqual(await store.list(), []);
  await store.remove([key]);
  assert.deepEqual(reasons, []);
});

test("a full disk is an InputError with advice, leaves nothing half-written, and the next put works", async () => {
  const folder = temporaryFolder();
  const store = new DiskBlockStore(folder);
  const handle = await open(join(folder, "any"), "w");
  const method = mock.method(
    Object.getPrototypeOf(handle),
    "writeFile",
    async function (this: typeof handle, bytes: Uint8Array) {
      await this.write(bytes, 0, bytes.length >> 1);
      throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    },
  );
  await handle.close();
  await assert.rejects(store.put(key, payloadOf(key), about), (error: Error) => {
    return (
      error instanceof InputError && error.message.startsWith(`${folder}: the disk is full (ENOSPC). Free some space`)
    );
  });
  method.mock.restore();
  assert.deepEqual(readdirSync(dirname(fileOf(folder, key))), []);
  await store.put(key, payloadOf(key), about);
  assert.deepEqual(await store.get(key), payloadOf(key));
});

test("a file that cannot be read is reported and left alone; clear removes everything but what is not the store's", async () => {
  const folder = temporaryFolder();
  const { store, reasons } = reportingStore(folder);
  mkdirSync(fileOf(folder, key), { recursive: true });
  assert.equal(await store.get(key), undefined);
  assert.deepEqual(reasons, [`${fileOf(folder, key)}: cannot be read (EISDIR)`]);
  const others = ["a", "b"].map(blockKey);
  for (const other of others) await store.put(other, payloadOf(other), about);
  truncateSync(fileOf(folder, others[0]), 3);
  writeFileSync(join(folder, "notes"), "mine");
  await store.clear();
  assert.deepEqual(await store.stats(), { blocks: 0, bytes: 0, maxBytes: 8 * 2 ** 30 });
  assert.equal(readFileSync(join(folder, "notes"), "utf8"), "mine");
});
