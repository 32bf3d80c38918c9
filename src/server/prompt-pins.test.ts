import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { test } from "node:test";
import { ask, tinyServer } from "../../test/clients/tiny-server.ts";
import { temporaryFolder } from "../../test/support/sessions.ts";
import { DiskBlockStore } from "../hub/block-store.ts";
import { contextsOf } from "../hub/contexts.ts";
import { createApp } from "./app.ts";
import { MOST_PROMPT_PINS, PromptPins } from "./prompt-pins.ts";

const newStore = (maxBytes?: number) => new DiskBlockStore(join(temporaryFolder(), "contexts"), { maxBytes });

/** Keys of the blocks of a text that does not exist. */
function keysOf(name: string, blocks: number): string[] {
  return Array.from({ length: blocks }, (_, i) => createHash("sha256").update(`${name} ${i}`).digest("hex"));
}

test("the newest 16 pins are kept, what is asked for again is new again, and all are taken back in the end", async () => {
  const store = newStore();
  const pins = new PromptPins(store);
  const last = (name: number) => keysOf(`${name}`, 2)[1];
  for (let name = 0; name < MOST_PROMPT_PINS; name++) await pins.keep(keysOf(`${name}`, 2), 1000);
  await pins.keep(keysOf("0", 2), 1000);
  await pins.keep(keysOf("16", 2), 1000);
  const kept = await store.pins();
  assert.equal(kept.size, MOST_PROMPT_PINS);
  assert.deepEqual([kept.has(last(0)), kept.has(last(1)), kept.has(last(16))], [true, false, true]);
  await pins.release();
  assert.equal((await store.pins()).size, 0);
});

test("pins never hold more than half the cache: older ones go, of a longer text its beginning is pinned, shared blocks count once", async () => {
  const store = newStore(20_000);
  const pins = new PromptPins(store);
  const [a, b] = [keysOf("a", 6), keysOf("b", 6)];
  await pins.keep(a, 1000);
  await pins.keep(a.slice(0, 3), 1000);
  assert.deepEqual([...(await store.pins())].sort(), [a[5], a[2]].sort());
  await pins.keep(b, 1000);
  assert.deepEqual([...(await store.pins())].sort(), [a[2], b[5]].sort());
  await pins.keep(keysOf("long", 30), 1000);
  assert.deepEqual([...(await store.pins())], [keysOf("long", 30)[9]]);
});

test("a pin that somebody else set is left alone", async () => {
  const store = newStore();
  const [key] = keysOf("mine", 1);
  await store.pin(key);
  const pins = new PromptPins(store);
  await pins.keep([key], 1000);
  await pins.release();
  assert.ok((await store.pins()).has(key));
});

const sand = "the sand and the wind, on and on; ";

test("cache_control pins what a selection leaves of the prompt in its lower layers, also where the mark stands before anything would be selected", async (t) => {
  const tiny = await tinyServer();
  t.after(() => tiny.close());
  const store = newStore();
  const server = createApp({ ...tiny.options, store, contexts: store });
  const select = { method: "fastkv", layer: 2, window: 8, keep: 128, least: 400 };
  const { status, body } = await ask(server, "POST /v1/messages", {
    ...{ max_tokens: 1, long_context: { prefill: { select } } },
    system: [{ type: "text", text: `Marked: ${sand.repeat(6)}`, cache_control: { type: "ephemeral" } }],
    messages: [{ role: "user", content: sand.repeat(20) }],
  });
  assert.equal(status, 200, JSON.stringify(body));
  const [pinned] = await store.pins();
  const { cache_creation_input_tokens: marked } = (body as { usage: Record<string, number> }).usage;
  const block = (await store.list()).find(({ key }) => key === pinned);
  assert.ok(marked < 400 && block?.tokens === 64 * Math.floor(marked / 64), `${marked} ${block?.tokens}`);
  await server.stop();
});

test("cache_control pins the prompt up to its block: the cache drops others for room, but not that; also what was on disk before", async (t) => {
  const tiny = await tinyServer();
  t.after(() => tiny.close());
  const roomy = newStore();
  const { options } = tiny;
  const post = async (server: ReturnType<typeof createApp>, system: object[], question: string) => {
    const messages = [{ role: "user", content: question }];
    const { status, body } = await ask(server, "POST /v1/messages", { max_tokens: 1, system, messages });
    assert.equal(status, 200, JSON.stringify(body));
    return (body as { usage: Record<string, number> }).usage;
  };
  const marked = [
    { type: "text", text: "Be brief. " },
    { type: "text", text: `Marked: ${sand.repeat(12)}`, cache_control: { type: "ephemeral" } },
    { type: "text", text: "Not marked." },
  ];
  const first = createApp({ ...options, store: roomy, contexts: roomy });
  const usage = await post(first, marked, "Who?");
  assert.ok(usage.cache_creation_input_tokens > 128 && usage.cache_creation_input_tokens < usage.input_tokens + 400);
  const [pinned] = await roomy.pins();
  assert.equal((await roomy.pins()).size, 1);
  const block = (await roomy.list()).find(({ key }) => key === pinned);
  assert.equal(
    block?.tokens,
    64 * Math.floor(usage.cache_creation_input_tokens / 64),
    "the last full block before the mark",
  );
  await first.stop();
  assert.equal((await roomy.pins()).size, 0, "only as long as the server runs");

  // Room for about three such texts.
  const [context] = contextsOf(await roomy.list());
  const folder = newStore(context.bytes * 3.5);
  for (const { key, model, parent, tokens } of await roomy.list()) {
    const payload = (await roomy.get(key)) as Uint8Array;
    await folder.put(key, payload, { model, parent, tokens });
  }
  const second = createApp({ ...options, store: folder, contexts: folder });
  const again = await post(second, marked, "Who?");
  assert.ok(again.cache_read_input_tokens > 128, "read from disk after a restart");
  assert.ok((await folder.pins()).has(pinned));
  for (let i = 0; i < 12; i++) await post(second, [{ type: "text", text: `${i}: ${sand.repeat(12)}` }], "Who?");
  const left = new Set((await folder.list()).map(({ key }) => key));
  const chain = context.keys.slice(context.keys.indexOf(pinned));
  assert.ok(chain.length >= 2 && chain.every((key) => left.has(key)), "what was pinned is there");
  const { blocks } = await folder.stats();
  assert.ok(blocks < 5 * context.keys.length, `others were dropped: ${blocks} blocks are left`);
  await second.stop();
});
