/** /openapi.json against the routes, the answers and itself. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";
import { z } from "zod";
import { ask, tinyServer } from "../../test/clients/tiny-server.ts";
import { temporaryFolder } from "../../test/support/sessions.ts";
import { DiskBlockStore } from "../hub/block-store.ts";
import { createApp } from "./app.ts";
import type { Json, OpenApi } from "./openapi.ts";
import type { SchemaName } from "./openapi-schemas.ts";
import { operations } from "./operations.ts";

const store = new DiskBlockStore(join(temporaryFolder(), "contexts"));
const tiny = await tinyServer({ store, contexts: store });
const { server } = tiny;
after(() => tiny.close());
const document = (await ask(server, "GET /openapi.json")).body as OpenApi;

/** As a reader of the document alone would check an answer. */
function expectSchema(name: SchemaName, value: unknown): void {
  const schema = z.fromJSONSchema(document.components.schemas[name] as Parameters<typeof z.fromJSONSchema>[0]);
  const { success, error } = schema.safeParse(value);
  assert.ok(success, `${name}: ${error && z.prettifyError(error)} in ${JSON.stringify(value)}`);
}

function visit(value: Json, look: (key: string, value: Json) => void): void {
  if (typeof value !== "object" || value === null) return;
  for (const [key, part] of Object.entries(value)) {
    look(key, part);
    visit(part, look);
  }
}

test("it tells every route that there is, and no other", () => {
  const told = operations.map(({ method, path }) => `${method.toUpperCase()} ${path}`);
  const there = server.app.routes
    .filter(({ method, path }) => method !== "ALL" && !/^\/(assets\/|[^/]+\.(js|css|svg|html)$)/.test(path))
    .map(({ method, path }) => `${method} ${path.replace(/:(\w+)(\{.*?\})?/g, "{$1}")}`);
  assert.deepEqual([...new Set(there)].sort(), told.sort());
});

test("it is OpenAPI 3.1: every reference leads somewhere, names of operations differ, parameters of paths are told", () => {
  assert.equal(document.openapi, "3.1.0");
  const ids: Json[] = [];
  visit(document as unknown as Json, (key, value) => {
    if (key === "$ref")
      assert.ok(`${value}`.replace("#/components/schemas/", "") in document.components.schemas, `${value}`);
    if (key === "operationId") ids.push(value);
  });
  assert.equal(new Set(ids).size, operations.length);
  for (const [path, methods] of Object.entries(document.paths))
    for (const operation of Object.values(methods) as Record<string, Json>[]) {
      const parameters = (operation.parameters ?? []) as { name: string; in: string; required: boolean }[];
      assert.deepEqual(
        parameters.map(({ name }) => `{${name}}`),
        path.match(/\{\w+\}/g) ?? [],
      );
      const responses = operation.responses as Record<string, { description: string }>;
      for (const [status, { description }] of Object.entries(responses)) {
        assert.match(status, /^[2-5]\d\d$/);
        assert.ok(description.length > 0);
      }
    }
  for (const name of Object.keys(document.components.schemas)) expectIsSchema(name as SchemaName);
});

/** It says something: null is no request and no answer. */
function expectIsSchema(name: SchemaName): void {
  const schema = z.fromJSONSchema(document.components.schemas[name] as Parameters<typeof z.fromJSONSchema>[0]);
  assert.equal(schema.safeParse(null).success, false, name);
}

test("real answers and real errors are as it says; requests that it calls wrong are refused", async () => {
  const text = { max_tokens: 2, temperature: 0 };
  const messages = [{ role: "user", content: "the sand and the wind; ".repeat(20) }];
  const cases: [route: string, name: SchemaName, body?: object][] = [
    ["POST /v1/chat/completions", "ChatCompletion", { ...text, messages }],
    ["POST /v1/completions", "Completion", { ...text, prompt: "a" }],
    ["POST /v1/embeddings", "Embeddings", { input: ["a", "b"] }],
    ["POST /v1/embeddings", "Embeddings", { input: "a", encoding_format: "base64" }],
    ["POST /v1/messages", "Message", { ...text, messages }],
    ["POST /v1/messages/count_tokens", "CountedTokens", { messages }],
    ["POST /tokenize", "Tokens", { prompt: "a" }],
    ["POST /tokenize", "Tokens", { content: "a", with_pieces: true }],
    ["POST /detokenize", "DetokenizedText", { tokens: [100] }],
    ["POST /v1/plans/check", "CheckedPlan", {}],
    ["GET /v1/models", "Models"],
    ["GET /v1/models/tiny", "Model"],
    ["GET /v1/plans", "Plans"],
    ["GET /v1/cache", "Contexts"],
    ["GET /health", "Health"],
  ];
  for (const [route, name, body] of cases) {
    const answer = await ask(server, route, body);
    assert.equal(answer.status, 200, `${route}: ${JSON.stringify(answer.body)}`);
    expectSchema(name, answer.body);
    if (body && name !== "CheckedPlan") {
      const refused = await ask(server, route, { messages: 5, prompt: {}, input: {}, tokens: "a", content: 5 });
      assert.equal(refused.status, 400, route);
      expectSchema(route.includes("/messages") ? "MessagesError" : "Error", refused.body);
    }
  }
  expectSchema("Error", (await ask(server, `DELETE /v1/cache/${"0".repeat(64)}`)).body);
});

test("with a key, what is under /v1 says that it asks for one; the description itself needs none", async () => {
  const keyed = createApp({ ...tiny.options, apiKey: "secret" });
  const { status, body } = await ask(keyed, "GET /openapi.json");
  assert.equal(status, 200);
  const { paths } = body as { paths: Record<string, Record<string, { security?: object[] }>> };
  for (const [path, methods] of Object.entries(paths))
    for (const { security } of Object.values(methods))
      assert.equal(security !== undefined, path.startsWith("/v1"), path);
});
