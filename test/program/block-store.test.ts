/** The block store under kill -9: whatever moment a writer dies in, no wrong block is served, and nothing must be repaired. */
import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { readdirSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { DiskBlockStore } from "../../src/hub/block-store.ts";
import { blockKey, payloadOf } from "../support/block-writer.ts";
import { random } from "../support/random.ts";
import { temporaryFolder } from "../support/sessions.ts";

const writer = fileURLToPath(new URL("../support/block-writer.js", import.meta.url));
const MAX_BYTES = 4e6;

test("25 writers killed after 5 to 60 ms: every block is right, meanwhile and after, and what is left over goes after an hour", async () => {
  const folder = temporaryFolder();
  const next = random(1);
  const damaged: string[] = [];
  const store = new DiskBlockStore(folder, { onDamaged: (path, reason) => damaged.push(`${path} ${reason}`) });
  const seen = new Set<string>();
  const checkAll = async () => {
    for (const { key } of await store.list()) {
      const payload = await store.get(key);
      if (payload === undefined) continue; // The writer made room.
      assert.deepEqual(payload, payloadOf(key));
      seen.add(key);
    }
  };
  for (let round = 0; round < 25; round++) {
    const writing = await startWriter(folder, round);
    await Promise.all([checkAll(), writing.killAfter(5 + 55 * next())]);
    const { blocks } = await store.stats();
    assert.equal((await store.list()).length, blocks);
    await checkAll();
    assert.equal((await store.stats()).blocks, blocks);
  }
  assert.deepEqual(damaged, []);
  assert.ok(seen.size > 50, `only ${seen.size} blocks were seen: the writers died before they wrote`);

  const leftovers = filesIn(folder).filter((path) => path.endsWith(".part"));
  const longAgo = new Date(Date.now() - 3_601_000);
  for (const path of leftovers) utimesSync(path, longAgo, longAgo);
  const key = blockKey("one more");
  await new DiskBlockStore(folder, { maxBytes: MAX_BYTES }).put(key, payloadOf(key), { model: "tiny", tokens: 64 });
  const rest = filesIn(folder);
  assert.deepEqual(
    rest.filter((path) => path.endsWith(".part")),
    [],
  );
  assert.equal((await store.list()).length, rest.length);
  const { bytes } = await store.stats();
  assert.ok(bytes <= MAX_BYTES, `${bytes} bytes`);
});

/** Resolves when the writer begins to put. */
async function startWriter(folder: string, seed: number) {
  const child = fork(writer, [folder, `${seed}`, `${MAX_BYTES}`]);
  const end = once(child, "exit");
  await once(child, "message");
  return {
    async killAfter(ms: number): Promise<void> {
      await delay(ms);
      child.kill("SIGKILL");
      const [code, signal] = await end;
      assert.deepEqual({ code, signal }, { code: null, signal: "SIGKILL" });
    },
  };
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
}
