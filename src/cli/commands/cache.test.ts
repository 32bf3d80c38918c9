import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { mock, test } from "node:test";
import { blockKey } from "../../../test/support/block-writer.ts";
import { temporaryFolder } from "../../../test/support/sessions.ts";
import { DiskBlockStore } from "../../hub/block-store.ts";
import { InputError } from "../../runtime/errors.ts";
import { drop, listing, statistics } from "./cache.ts";
import { findContext } from "./cache-find.ts";
import { pin, unpin } from "./cache-pins.ts";
import { exportTo, importFrom } from "./cache-transfer.ts";

const [a, b, c, x] = ["a", "b", "c", "x"].map(blockKey);

/** Without the progress bar, which the test's report would show. */
async function quietly<T>(work: () => Promise<T>): Promise<T> {
  const method = mock.method(process.stderr, "write", () => true);
  return work().finally(() => method.mock.restore());
}

/** A home with a text of blocks a and b, one of a and c, and one of x alone. */
async function filledStore(): Promise<DiskBlockStore> {
  process.env.LONGSPAN_HOME = temporaryFolder();
  const store = new DiskBlockStore(join(process.env.LONGSPAN_HOME, "contexts"));
  const payload = new Uint8Array(1e6);
  await store.put(a, payload, { model: "tiny", tokens: 64 });
  await store.put(b, payload, { model: "tiny", parent: a, tokens: 1024 });
  await store.put(c, payload, { model: "tiny", parent: a, tokens: 100 });
  await store.put(x, payload, { model: "other", tokens: 64 });
  return store;
}

test("list has a line for each text, and as JSON whole keys, all bytes and own bytes", async () => {
  await filledStore();
  const lines = (await listing()).trimEnd().split("\n");
  assert.match(lines[0], /^key +tokens +size +used +model +note$/);
  assert.equal(lines.length, 4);
  const line = lines.find((line) => line.startsWith(b.slice(0, 12)));
  assert.match(line!, /^[0-9a-f]{12} {3}1,024 {2}2 MB {2}\d{4}-\d\d-\d\d \d\d:\d\d {2}tiny$/);
  const entries: { key: string }[] = JSON.parse(await listing({ json: true }));
  const entry = entries.find(({ key }) => key === b);
  const { usedAt, bytes, ownBytes, ...rest } = entry as unknown as Record<string, number>;
  assert.deepEqual(rest, { key: b, model: "tiny", tokens: 1024, isComplete: true, blocks: 2, isPinned: false });
  assert.ok(!Number.isNaN(Date.parse(`${usedAt}`)));
  assert.ok(ownBytes > 1e6 && ownBytes < 1.001e6 && bytes > 2e6 && bytes < 2.001e6, `${ownBytes} of ${bytes}`);
});

test("a text that lost its beginning is listed as of no use; an empty cache says so", async () => {
  const store = await filledStore();
  await store.remove([a]);
  assert.equal((await listing()).match(/incomplete, of no use/g)?.length, 2);
  await store.clear();
  assert.match(await listing(), /^No contexts are kept in .*contexts\n$/);
  assert.equal(await listing({ json: true }), "[]\n");
});

test("stats counts blocks, not texts", async () => {
  await filledStore();
  assert.match(await statistics(), /^blocks {2}4\nsize {4}4 MB of at most 8\.59 GB\nfolder {2}.*contexts\n$/);
  const { blocks, maxBytes } = JSON.parse(await statistics({ json: true }));
  assert.deepEqual([blocks, maxBytes], [4, 8 * 2 ** 30]);
});

test("drop removes what no other text needs, all at once or nothing; --all removes everything", async () => {
  const store = await filledStore();
  const kept = async () => (await store.list()).map(({ key }) => key).sort();
  await assert.rejects(drop([b.slice(0, 8), "0000000000"]), InputError);
  assert.equal((await kept()).length, 4);
  assert.equal(await drop([b.slice(0, 8)]), "dropped 1 MB in 1 blocks\n");
  assert.deepEqual(await kept(), [a, c, x].sort());
  assert.equal(await drop([c.slice(0, 8).toUpperCase()]), "dropped 2 MB in 2 blocks\n");
  assert.deepEqual(await kept(), [x]);
  assert.equal(await drop([], { all: true }), "dropped 1 MB in 1 blocks\n");
  assert.deepEqual(await kept(), []);
});

test("drop refuses neither or both of prefixes and --all, unknown prefixes and ambiguous ones, and says what to do", async () => {
  await filledStore();
  await assert.rejects(drop([]), /or --all, got neither\. See the keys with: longspan cache list/);
  await assert.rejects(drop(["ab"], { all: true }), /got both/);
  const context = { model: "", tokens: 0, bytes: 0, ownBytes: 0, usedAt: new Date(0), keys: [], isComplete: true };
  const contexts = ["ab1", "ab2", "cd3"].map((key) => ({ ...context, key }));
  assert.equal(findContext("c", contexts).key, "cd3");
  assert.throws(() => findContext("ab", contexts), /"ab", which 2 do \(ab1, ab2\)\. Give more digits\./);
  for (const unknown of ["", "ef", "d3", "."])
    assert.throws(() => findContext(unknown, contexts), /which no key does\. See the keys with: longspan cache list/);
});

test("a pinned context is listed so, not dropped by name, and stays at drop --all; --pinned removes it as well", async () => {
  const store = await filledStore();
  const kept = async () => (await store.list()).map(({ key }) => key).sort();
  assert.equal(await pin(b.slice(0, 8)), `pinned ${b.slice(0, 12)}: 1,024 tokens, 2 MB\n`);
  assert.match(await listing(), new RegExp(`${b.slice(0, 12)}.* tiny +pinned\n`));
  const entries: { key: string; isPinned: boolean }[] = JSON.parse(await listing({ json: true }));
  assert.deepEqual(
    entries.filter(({ isPinned }) => isPinned).map(({ key }) => key),
    [b],
  );
  await assert.rejects(drop([x.slice(0, 8), b.slice(0, 8)]), /not pinned, got .* Unpin first: longspan cache unpin/);
  assert.equal((await kept()).length, 4);
  const staying = "; 1 pinned context stays (--all --pinned removes what is pinned as well)";
  assert.equal(await drop([], { all: true }), `dropped 2 MB in 2 blocks${staying}\n`);
  assert.deepEqual(await kept(), [a, b].sort());
  await assert.rejects(drop([b], { pinned: true }), /--pinned with --all/);
  assert.equal(await drop([], { all: true, pinned: true }), "dropped 2 MB in 2 blocks\n");
  assert.deepEqual([await kept(), await store.pins()], [[], new Set()]);
});

test("what goes on from a pinned context can be dropped, and leaves it; unpin finds pins of beginnings and of lost contexts", async () => {
  const store = await filledStore();
  await pin(b);
  await store.put(blockKey("d"), new Uint8Array(1e6), { model: "tiny", parent: b, tokens: 1088 });
  assert.match(await listing(), /tiny +its beginning is pinned\n/);
  await drop([blockKey("d"), c]);
  assert.deepEqual((await store.list()).map(({ key }) => key).sort(), [a, b, x].sort());

  await store.put(blockKey("d"), new Uint8Array(1e6), { model: "tiny", parent: b, tokens: 1088 });
  assert.equal(await unpin(blockKey("d")), `unpinned ${b.slice(0, 12)}\n`);
  await assert.rejects(unpin(blockKey("d")), /which is not\. See the pins with: longspan cache list/);
  await pin(x);
  await store.remove([x]);
  for (const unknown of ["", "zz"]) await assert.rejects(unpin(unknown), /which no key does/);
  assert.equal(await unpin(x.slice(0, 8).toUpperCase()), `unpinned ${x.slice(0, 12)}\n`);
  await store.remove([a]);
  await assert.rejects(pin(blockKey("d")), /of which blocks are missing\. Read its text again, then pin it/);
  assert.deepEqual(await store.pins(), new Set());
});

test("export and import carry a context to another home; what arrives is said, with how much of it is new", async () => {
  await filledStore();
  const path = join(temporaryFolder(), "book.ctx");
  const { exported, imported } = await quietly(async () => {
    const exported = await exportTo(b.slice(0, 8), path);
    process.env.LONGSPAN_HOME = temporaryFolder();
    return { exported, imported: [await importFrom(path), await importFrom(path)] };
  });
  assert.equal(exported, `exported ${b.slice(0, 12)}: 1,024 tokens in 2 blocks, 2 MB\n`);
  assert.deepEqual(
    imported,
    [2, 0].map((fresh) => `imported ${b.slice(0, 12)}: 1,024 tokens of tiny, ${fresh} of 2 blocks are new\n`),
  );
  assert.match(await listing(), new RegExp(`\n${b.slice(0, 12)} .*tiny\n$`));
  await assert.rejects(exportTo("zz", path), /^InputError: cache export: expected how the key/);
});

test("as commands: list runs without a name, options reach each, and each has help with examples", async () => {
  await filledStore();
  const command = new URL(import.meta.url.replace(".test.", ".")).href;
  const names = ["list", "stats", "drop", "pin", "unpin", "export", "import", "doctor"];
  const lines = [[], ["list", "--json"], ["stats", "--json"], ["drop", "--all"], ["stats", "--json"]];
  const program = `import { cacheCommand } from ${JSON.stringify(command)};
    for (const line of ${JSON.stringify(lines)}) await cacheCommand().parseAsync(line, { from: "user" });
    for (const name of ${JSON.stringify(names)})
      cacheCommand().commands.find((child) => child.name() === name).outputHelp();`;
  const { status, stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
  assert.equal(status, 0);
  assert.match(
    stdout,
    /^key .*\n(.*tiny\n|.*other\n){3}\[.*\]\n\{"blocks":4,.*\}\ndropped 4 MB in 4 blocks\n\{"blocks":0,.*\}\n/,
  );
  for (const name of names) assert.match(stdout, new RegExp(`Examples?:\\n  \\$ longspan cache ${name}`));
});
