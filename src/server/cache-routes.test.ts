import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";
import { ask, tinyServer } from "../../test/clients/tiny-server.ts";
import { temporaryFolder } from "../../test/support/sessions.ts";
import { DiskBlockStore } from "../hub/block-store.ts";
import { createApp } from "./app.ts";
import type { ShownContext } from "./stored-contexts.ts";

const folder = join(temporaryFolder(), "contexts");
const store = new DiskBlockStore(folder);
const tiny = await tinyServer({ store, contexts: store });
const { server, options } = tiny;
after(() => tiny.close());

const common = "the sand and the wind, on and on; ".repeat(8);

async function read(prompt: string): Promise<void> {
  const { status } = await ask(server, "POST /v1/completions", { prompt, max_tokens: 1 });
  assert.equal(status, 200);
}

interface Listing {
  data: ShownContext[];
  memory: { sessions: number; bytes: number; maxBytes: number };
  disk: { blocks: number; bytes: number; maxBytes: number };
}

/** Once so many contexts are on disk, and all of them: they are written behind the answer. */
async function listing(contexts: number): Promise<Listing> {
  let before = "";
  for (let i = 0; ; i++) {
    const body = (await ask(server, "GET /v1/cache")).body as Listing;
    const now = JSON.stringify(body);
    if (body.data.length === contexts && now === before) return body;
    assert.ok(i < 100, now);
    before = now;
    await new Promise((done) => setTimeout(done, 30));
  }
}

test("texts that were read are listed with tokens, bytes, first words and last use, and no path", async () => {
  assert.deepEqual((await listing(0)).data, []);
  await read(`${common}${"A first text. ".repeat(20)}`);
  const { data, memory, disk } = await listing(1);
  const [{ id, tokens, bytes, blocks, firstWords, isPinned, usedAt }] = data;
  assert.match(id, /^[0-9a-f]{64}$/);
  assert.ok(firstWords?.startsWith("the sand and the wind, on and on; the"), `${firstWords}`);
  assert.deepEqual([tokens, isPinned], [blocks * 64, false]);
  assert.ok(Math.abs(Date.parse(usedAt) - Date.now()) < 120_000);
  assert.deepEqual([disk.bytes, disk.blocks], [bytes, blocks]);
  assert.ok(memory.sessions === 1 && memory.bytes > 0 && memory.maxBytes === options.cacheBytes);
  assert.ok(!JSON.stringify({ data, memory, disk }).includes(folder));
});

test("a pin keeps a context from DELETE until it is taken back; what others share stays", async () => {
  await read(`${common}${"Another text. ".repeat(20)}`);
  const [{ id, ownBytes }, other] = (await listing(2)).data;
  const pinned = await ask(server, `POST /v1/cache/${id}/pin`);
  assert.equal((pinned.body as ShownContext).isPinned, true);
  assert.ok((await store.pins()).has(id));
  const refused = await ask(server, `DELETE /v1/cache/${id}`);
  assert.equal(refused.status, 409);
  assert.match(JSON.stringify(refused.body), /is pinned.*unpin/);
  assert.equal((await listing(2)).data.find((context) => context.id === id)?.isPinned, true);
  assert.equal(((await ask(server, `POST /v1/cache/${id}/unpin`)).body as ShownContext).isPinned, false);
  assert.equal((await store.pins()).size, 0);
  const { bytes: before } = await store.stats();
  const dropped = await ask(server, `DELETE /v1/cache/${id}`);
  assert.deepEqual(dropped.body, { id, object: "context", deleted: true });
  const left = await listing(1);
  assert.equal(left.data[0].id, other.id);
  assert.equal(left.disk.bytes, before - ownBytes);
  assert.ok(ownBytes > 0);
});

test("an unknown id, a part of one and a path are 404 with an error object; nothing is removed", async () => {
  const [{ id }] = (await listing(1)).data;
  const unknown = ["0".repeat(64), id.slice(0, 12), "..%2F..%2Fetc%2Fpasswd", "pins"];
  for (const wrong of unknown)
    for (const route of [`DELETE /v1/cache/${wrong}`, `POST /v1/cache/${wrong}/pin`, `POST /v1/cache/${wrong}/unpin`]) {
      const { status, body } = await ask(server, route);
      assert.equal(status, 404, route);
      assert.equal(typeof (body as { error: { message: string } }).error.message, "string");
    }
  await listing(1);
});

test("with a key all of /v1/cache asks for it; without a cache it is 404, and memory is told still", async () => {
  const keyed = createApp({ ...options, apiKey: "secret" });
  assert.equal((await ask(keyed, "GET /v1/cache")).status, 401);
  assert.equal((await ask(keyed, "GET /v1/cache", undefined, { "x-api-key": "secret" })).status, 200);
  const none = createApp({ ...options, store: undefined, contexts: undefined });
  const { status, body } = await ask(none, "GET /v1/cache");
  const { error, memory } = body as { error: { message: string }; memory: Listing["memory"] };
  assert.equal(status, 404);
  assert.match(error.message, /--no-cache/);
  assert.equal(memory.sessions, 0);
  assert.match(JSON.stringify((await ask(none, `DELETE /v1/cache/${"0".repeat(64)}`)).body), /--no-cache/);
});
