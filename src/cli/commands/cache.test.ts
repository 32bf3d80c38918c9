import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { blockKey } from "../../../test/support/block-writer.ts";
import { temporaryFolder } from "../../../test/support/sessions.ts";
import { DiskBlockStore } from "../../hub/block-store.ts";
import { InputError } from "../../runtime/errors.ts";
import { drop, findContext, listing, statistics } from "./cache.ts";

const [a, b, c, x] = ["a", "b", "c", "x"].map(blockKey);

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
  assert.deepEqual(rest, { key: b, model: "tiny", tokens: 1024, isComplete: true, blocks: 2 });
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

test("as commands: list runs without a name, options reach each, and each has help with examples", async () => {
  await filledStore();
  const command = new URL(import.meta.url.replace(".test.", ".")).href;
  const lines = [[], ["list", "--json"], ["stats", "--json"], ["drop", "--all"], ["stats", "--json"]];
  const program = `import { cacheCommand } from ${JSON.stringify(command)};
    for (const line of ${JSON.stringify(lines)}) await cacheCommand().parseAsync(line, { from: "user" });
    for (const name of ["list", "stats", "drop"])
      cacheCommand().commands.find((child) => child.name() === name).outputHelp();`;
  const { status, stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
  assert.equal(status, 0);
  assert.match(
    stdout,
    /^key .*\n(.*tiny\n|.*other\n){3}\[.*\]\n\{"blocks":4,.*\}\ndropped 4 MB in 4 blocks\n\{"blocks":0,.*\}\n/,
  );
  for (const name of ["list", "stats", "drop"])
    assert.match(stdout, new RegExp(`Examples?:\\n  \\$ longspan cache ${name}`));
});
