import assert from "node:assert/strict";
import { after, test } from "node:test";
import OpenAI from "openai";
import { tinyServer } from "../../test/clients/tiny-server.ts";
import { createApp } from "./app.ts";
import { loadingSite } from "./loading.ts";
import { listen } from "./serve.ts";

const tiny = await tinyServer();
after(() => tiny.close());

test("while the model loads /health and all else are 503 with Retry-After; then the same port answers", async () => {
  const site = loadingSite();
  const { url, stop } = await listen(site, { host: "127.0.0.1", port: 0 });
  site.progress = 0.25;
  const health = await fetch(`${url}/health`);
  assert.deepEqual([health.status, health.headers.get("retry-after")], [503, "1"]);
  assert.deepEqual(await health.json(), { status: "loading", progress: 0.25 });
  const chat = await fetch(`${url}/v1/chat/completions`, { method: "POST", body: "{}" });
  assert.deepEqual([chat.status, chat.headers.get("retry-after")], [503, "1"]);
  assert.equal(((await chat.json()) as { error: { code: string } }).error.code, "model_loading");
  const anthropic = (await (await fetch(`${url}/v1/messages`, { method: "POST" })).json()) as { type: string };
  assert.equal(anthropic.type, "error");
  // A client that waits as it is told gets its answer once the model is there.
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", maxRetries: 2 });
  const models = client.models.list();
  setTimeout(() => site.open(createApp(tiny.options)), 100);
  assert.equal((await models).data[0].id, "tiny");
  assert.deepEqual(await (await fetch(`${url}/health`)).json(), { status: "ok" });
  await stop();
});

test("a server that is stopped while it loads closes its port", async () => {
  const { url, stop } = await listen(loadingSite(), { host: "127.0.0.1", port: 0 });
  await stop();
  await assert.rejects(fetch(`${url}/health`));
});

test("pages of one origin, or of all, may call; by default none; a browser's question needs no key", async () => {
  const asks = async (corsOrigin: string | undefined, origin: string, method = "GET") => {
    const { app } = createApp({ ...tiny.options, apiKey: "secret", corsOrigin });
    const headers = { origin, "access-control-request-method": "POST", "access-control-request-headers": "x-api-key" };
    const response = await app.request("/v1/models", { method, headers });
    return [response.status, response.headers.get("access-control-allow-origin")];
  };
  assert.deepEqual(await asks(undefined, "http://a.example"), [401, null]);
  assert.deepEqual(await asks("http://a.example", "http://a.example"), [401, "http://a.example"]);
  assert.deepEqual(await asks("http://a.example", "http://b.example"), [401, null]);
  assert.deepEqual(await asks("http://a.example", "http://a.example", "OPTIONS"), [204, "http://a.example"]);
  assert.deepEqual(await asks("*", "http://b.example", "OPTIONS"), [204, "*"]);
  const { app } = createApp({ ...tiny.options, corsOrigin: "*" });
  const body = JSON.stringify({ prompt: "a", max_tokens: 1, stream: true });
  const headers = { origin: "http://a.example" };
  const stream = await app.request("/v1/completions", { method: "POST", headers, body });
  assert.equal(stream.headers.get("access-control-allow-origin"), "*");
  assert.match(await stream.text(), /data: \[DONE\]\n\n$/);
});

test("pages of other sites may not post, whatever they send, unless --cors names them; programs and the own page may", async () => {
  const statusOf = async (corsOrigin: string | undefined, headers: Record<string, string>, method = "POST") => {
    const { app } = createApp({ ...tiny.options, corsOrigin });
    const body = method === "POST" ? JSON.stringify({ content: "sand" }) : undefined;
    return (await app.request(method === "POST" ? "/tokenize" : "/health", { method, headers, body })).status;
  };
  const other = { "sec-fetch-site": "cross-site", origin: "https://a.example" };
  assert.equal(await statusOf(undefined, { ...other, "content-type": "text/plain" }), 403);
  assert.equal(await statusOf("https://b.example", other), 403);
  assert.equal(await statusOf(undefined, { "sec-fetch-site": "cross-site" }), 403, "also where no origin is told");
  assert.equal(await statusOf("https://a.example", other), 200);
  assert.equal(await statusOf("*", other), 200);
  assert.equal(await statusOf(undefined, other, "GET"), 200);
  assert.equal(await statusOf(undefined, { "sec-fetch-site": "same-origin" }), 200);
  assert.equal(await statusOf(undefined, {}), 200);
});
