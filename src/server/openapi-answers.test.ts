/** Real answers of every route, whole and refused in every way, against /openapi.json as a reader of it alone would check them. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { OpenApiReader } from "../../test/clients/openapi-reader.ts";
import { type Answer, answerOf, ask, tinyServer } from "../../test/clients/tiny-server.ts";
import { asked, tools } from "../../test/clients/travel.ts";
import { temporaryFolder } from "../../test/support/sessions.ts";
import { DiskBlockStore } from "../hub/block-store.ts";
import { contextsOf } from "../hub/contexts.ts";
import { CapacityError } from "../runtime/errors.ts";
import { createApp, type ServerApp } from "./app.ts";
import { loadingSite, type Site } from "./loading.ts";
import type { OpenApi } from "./openapi.ts";
import type { ReportSource } from "./reports-folder.ts";

const home = temporaryFolder();
const store = new DiskBlockStore(join(home, "contexts"));
const runs = join(home, "runs");
const run = {
  ...{ state: "finished", model: "tiny", plan: {}, planName: "exact", mode: "raw", tasks: ["vt"], lengths: [4096] },
  ...{ startedAt: "2026-11-01T08:00:00.000Z", longspan: "0.1.0", asked: 25, answered: 25, hasPage: true },
  means: [{ length: 4096, tasks: 1, score: 0.5 }],
  summary: { lengths: [4096], families: [] },
};
for (const id of ["sound", "damaged"]) mkdirSync(join(runs, id), { recursive: true });
const reports: ReportSource = {
  folder: runs,
  read: (path) => (path.endsWith("sound") ? run : {}),
  readPage: (path) => (path.endsWith("sound") ? new TextEncoder().encode("<!doctype html>") : undefined),
};
const tiny = await tinyServer({ store, contexts: store, reports });
const { server, options } = tiny;
after(() => tiny.close());

const { engine } = options;
const session = () => Promise.reject(new CapacityError("1 MB is needed, none is free."));

/** A file where the folder of runs should be, and an engine and a store that do nothing but fail. */
function brokenServer(): ServerApp {
  const file = join(home, "no-folder");
  writeFileSync(file, "");
  const fail = () => {
    throw new Error("broken on purpose");
  };
  const later = async () => fail();
  // Of the ends of texts, what templates ask for is told still.
  const decode = (_: unknown, { special = false } = {}) => (special ? "" : fail());
  const tokenizer = { ...engine.tokenizer, encode: fail, decode };
  return createApp({
    ...{ ...options, engine: { ...engine, tokenizer, session: later, memory: later }, onError: () => {} },
    ...{ contexts: Object.assign(new DiskBlockStore(file), { list: later }), reports: { ...reports, folder: file } },
  });
}

const sites = {
  open: server,
  keyed: createApp({ ...options, apiKey: "secret" }),
  full: createApp({ ...options, maxRequests: 0 }),
  crowded: createApp({ ...options, engine: { ...engine, session } }),
  uncached: createApp({ ...options, store: undefined, contexts: undefined }),
  broken: brokenServer(),
  loading: loadingSite(),
} satisfies Record<string, Site>;

const document = (await ask(server, "GET /openapi.json")).body as OpenApi;
const reader = new OpenApiReader(document);

interface Sent {
  readonly request: string;
  readonly body?: unknown;
  readonly files?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends what the document allows, or does not where it `isWrong`, and gives an answer that is as the document says. */
async function exchange(
  site: keyof typeof sites,
  { request, body, files, headers = {} }: Sent,
  isWrong = false,
): Promise<Answer> {
  const [method, path] = request.split(" ");
  const route = reader.routeOf(request) ?? assert.fail(request);
  const fields = Object.entries(files ?? {});
  const form = new FormData();
  for (const [name, text] of fields) form.append("files", new File([text], name));
  const type = files ? "multipart/form-data" : "application/json";
  const told = files ? { files: fields.map(([, text]) => text) } : body;
  const refusal = reader.refusal(route, told, type);
  assert.equal(refusal !== undefined, isWrong, `${request}: ${refusal} in ${JSON.stringify(told)}`);
  const json = body === undefined ? undefined : JSON.stringify(body);
  const response = await sites[site].app.fetch(
    new Request(`http://host${path}`, {
      ...{ method, body: files ? form : json },
      headers: { ...(json !== undefined && { "content-type": type }), ...headers },
    }),
  );
  const answer = await answerOf(response);
  reader.expectAnswer(request, answer);
  return answer;
}

const prompt = "the sand and the wind, on and on; ".repeat(12);
const messages = [{ role: "user", content: prompt }];
const few = { max_tokens: 2, temperature: 0 };
const block = { type: "text", text: prompt, cache_control: { type: "ephemeral" } };
const [{ function: travel }] = tools;
const anthropicTools = [{ name: travel.name, description: travel.description, input_schema: travel.parameters }];
const schema = { type: "object", properties: { near: { type: "boolean" } }, required: ["near"] };

/** Requests that are answered: of each route, and several where answers differ. Those that change the cache follow in the test. */
const good: readonly Sent[] = [
  ...[
    {},
    { stream: true, return_progress: true, model: "tiny" },
    { n: 2, logprobs: true, top_logprobs: 2, stop: ["x"], logit_bias: { 5: 1 } },
    { return_trace: true, return_token_ids: true, seed: 3, long_context: { cache: { format: "f32" } } },
    { max_tokens: 30, response_format: { type: "json_schema", json_schema: { schema, strict: true } } },
    { ...asked, tools, tool_choice: "required", parallel_tool_calls: false },
  ].map((body) => ({ request: "POST /v1/chat/completions", body: { ...few, messages, ...body } })),
  ...[
    {},
    { prompt: ["a b", "c"], echo: true, logprobs: 2 },
    { prompt: [[5, 6], [7]], stream: true, stream_options: { include_usage: true } },
  ].map((body) => ({ request: "POST /v1/completions", body: { ...few, prompt, ...body } })),
  ...[{ input: ["a", "b"] }, { input: [5, 6], encoding_format: "base64", dimensions: 8 }].map((body) => ({
    ...{ request: "POST /v1/embeddings", body },
  })),
  ...[
    {},
    { system: "Be brief.", messages: [{ role: "user", content: [block] }] },
    { stream: true, stop_sequences: ["x"] },
    { max_tokens: 200, tools: anthropicTools, tool_choice: { type: "any" } },
  ].map((body) => ({ request: "POST /v1/messages", body: { ...few, messages, ...body } })),
  { request: "POST /v1/messages/count_tokens", body: { messages, system: "Be brief.", tools: anthropicTools } },
  ...[{}, { position: { method: "dca" }, cache: { score: "snapkv", budget: 512 } }].map((body) => ({
    ...{ request: "POST /v1/plans/check", body },
  })),
  ...[{ prompt, return_token_strs: true }, { content: "a", with_pieces: true }, { messages }].map((body) => ({
    ...{ request: "POST /tokenize", body },
  })),
  { request: "POST /detokenize", body: { tokens: [100, 5] } },
  { request: "POST /v1/documents", files: { "a.txt": "sand", "b.pdf": "no PDF" } },
  ...["/v1/models", "/v1/models/tiny", "/v1/plans", "/v1/cache", "/health", "/metrics", "/openapi.json", "/"].map(get),
  ...["/v1/reports", "/v1/reports/sound", "/v1/reports/damaged", "/v1/reports/sound/page"].map(get),
];

function get(path: string): Sent {
  return { request: `GET ${path}` };
}

interface Stored {
  readonly id: string;
  readonly blocks: number;
}

/** The longest text that is on disk: texts are written behind answers. */
async function storedContext(): Promise<Stored> {
  for (let i = 0; i < 100; i++) {
    const { data } = (await ask(server, "GET /v1/cache")).body as { data: Stored[] };
    const [longest] = data.toSorted((a, b) => b.blocks - a.blocks);
    if (longest?.blocks > 2) return longest;
    await new Promise((done) => setTimeout(done, 30));
  }
  return assert.fail("nothing was stored");
}

type Exchange = readonly [status: number, site: keyof typeof sites, sent: Sent];

/** What can be said of every route, and is answered in the same way by all that the document tells it of. */
const everywhere: Readonly<Record<number, readonly [site: keyof typeof sites, headers?: Record<string, string>]>> = {
  401: ["keyed"],
  403: ["open", { "sec-fetch-site": "cross-site" }],
  413: ["open", { "content-length": `${65 << 20}` }],
  429: ["full"],
  500: ["broken"],
  503: ["loading"],
};

/** Statuses that no request brings about here, and why. */
const never: Readonly<Record<string, string>> = {
  "GET /v1/models 500": "says what is known",
  "GET /v1/models/{id} 500": "says what is known",
  "GET /v1/plans 500": "says what is known",
  "POST /v1/plans/check 500": "asks nothing of the engine",
  "GET /health 500": "says what is known",
  "GET /openapi.json 500": "says what is known",
  "GET / 500": "is held in memory",
  "GET / 404": "only where the page is not built: see web.test.ts",
};

const unknown = "0".repeat(64);
const cacheRefused: readonly Exchange[] = [
  [404, "open", { request: `DELETE /v1/cache/${unknown}` }],
  [404, "open", { request: `POST /v1/cache/${unknown}/pin` }],
  [404, "open", { request: `POST /v1/cache/${unknown}/unpin` }],
];
/** Requests that the document allows and that are refused for what they ask. */
const refused: readonly Exchange[] = [
  [404, "open", { request: "POST /v1/chat/completions", body: { messages, model: "other" } }],
  [404, "open", { request: "POST /v1/completions", body: { prompt, model: "other" } }],
  [404, "open", { request: "POST /v1/embeddings", body: { input: "a", model: "other" } }],
  [404, "open", { request: "POST /v1/messages", body: { ...few, messages, model: "other" } }],
  [404, "open", { request: "POST /v1/messages/count_tokens", body: { messages, model: "other" } }],
  [404, "open", get("/v1/models/other")],
  [404, "open", get("/v1/reports/none")],
  [404, "open", get("/v1/reports/damaged/page")],
  [404, "uncached", get("/v1/cache")],
  ...cacheRefused,
  [400, "open", { request: "POST /v1/chat/completions", body: { messages, max_tokens: 1_000_000 } }],
  [400, "open", { request: "POST /v1/completions", body: { prompt, best_of: 3 } }],
  [400, "open", { request: "POST /v1/embeddings", body: { input: "a", dimensions: 1_000_000 } }],
  [400, "open", { request: "POST /v1/messages", body: { messages, max_tokens: 1_000_000 } }],
  [400, "open", { request: "POST /v1/plans/check", body: { position: { method: "none such" } } }],
  [400, "open", { request: "POST /tokenize", body: {} }],
];
/** What no route understands. */
const nonsense = { messages: 5, prompt: {}, input: {}, tokens: "a", content: 5 };

test("every route, whole and refused in each way that it tells of: requests and answers are as the document says", async () => {
  const seen = new Set<string>();
  const expect = async (status: number, site: keyof typeof sites, sent: Sent, isWrong = false): Promise<Answer> => {
    const answer = await exchange(site, sent, isWrong);
    assert.equal(answer.status, status, `${sent.request}: ${JSON.stringify(answer.body)}`);
    seen.add(`${reader.routeOf(sent.request)} ${status}`);
    return answer;
  };
  for (const sent of good) await expect(200, "open", sent);
  for (const [status, site, sent] of refused) await expect(status, site, sent);

  const { id } = await storedContext();
  const of = (verb: string): Sent => ({ request: `POST /v1/cache/${id}/${verb}` });
  await expect(200, "open", of("pin"));
  await expect(409, "open", { request: `DELETE /v1/cache/${id}` });
  await expect(200, "open", of("unpin"));
  const [first] =
    contextsOf(await store.list())
      .find(({ key }) => key === id)
      ?.keys.slice(-1) ?? [];
  await store.remove([first]);
  await expect(409, "open", of("pin"));
  await expect(200, "open", { request: `DELETE /v1/cache/${id}` });

  for (const sent of [...firstOfEach(good), ...cacheRefused.map(([, , sent]) => sent)]) {
    const route = reader.routeOf(sent.request) ?? "";
    const statuses = reader.statusesOf(route);
    for (const status of statuses.filter((status) => status in everywhere && !(`${route} ${status}` in never))) {
      const [site, headers] = everywhere[status];
      await expect(status, site, { ...sent, headers });
    }
    if (statuses.includes(400))
      await expect(400, "open", { request: sent.request, body: route.includes("plans") ? 5 : nonsense }, true);
  }
  const told = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).flatMap((method) => {
      const route = `${method.toUpperCase()} ${path}`;
      return reader.statusesOf(route).map((status) => `${route} ${status}`);
    }),
  );
  assert.deepEqual([...seen, ...Object.keys(never)].sort(), told.sort());
});

test("without memory for a prompt the routes that read one answer 503 as they say", async () => {
  for (const sent of firstOfEach(good)) {
    const route = reader.routeOf(sent.request) ?? "";
    if (!reader.statusesOf(route).includes(429)) continue;
    const { status, body } = await exchange("crowded", sent);
    assert.equal(status, 503, route);
    assert.match(JSON.stringify(body), /none is free/);
  }
});

test("the check can tell: an answer without a field that the document asks for, or with another type, is refused", async () => {
  let fields = 0;
  for (const sent of firstOfEach(good)) {
    const answer = await exchange("open", sent);
    if (typeof answer.body !== "object" || sent.request === "GET /openapi.json") continue;
    for (const [field, value] of Object.entries(answer.body as object)) {
      const other = Array.isArray(value) ? "text" : [value];
      const spoilt = { ...answer, body: { ...answer.body, [field]: other } };
      const told = () => reader.expectAnswer(sent.request, spoilt);
      assert.throws(told, assert.AssertionError, `${sent.request}: ${field}`);
      fields++;
    }
  }
  assert.ok(fields > 40, `${fields} fields`);
  for (const status of [418, 204])
    assert.throws(
      () => reader.expectAnswer("GET /health", { status, headers: new Headers(), body: {} }),
      /not told of/,
    );
});

function firstOfEach(requests: readonly Sent[]): Sent[] {
  return [...new Map(requests.toReversed().map((sent) => [reader.routeOf(sent.request), sent])).values()];
}
