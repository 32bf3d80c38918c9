/** /openapi.json against the routes, and against what others say OpenAPI is. openapi-answers.test.ts holds it against requests and answers. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { OpenApiReader } from "../../test/clients/openapi-reader.ts";
import { ask, tinyServer } from "../../test/clients/tiny-server.ts";
import { temporaryFolder } from "../../test/support/sessions.ts";
import { DiskBlockStore } from "../hub/block-store.ts";
import { createApp } from "./app.ts";
import { type Json, type OpenApi, openApi } from "./openapi.ts";
import { operations } from "./operations.ts";

const store = new DiskBlockStore(join(temporaryFolder(), "contexts"));
const tiny = await tinyServer({ store, contexts: store });
const { server } = tiny;
after(() => tiny.close());
const document = (await ask(server, "GET /openapi.json")).body as OpenApi;

test("it tells every route that there is, and no other", () => {
  const told = operations.map(({ method, path }) => `${method.toUpperCase()} ${path}`);
  const there = server.app.routes
    .filter(({ method, path }) => method !== "ALL" && !/^\/(assets\/|[^/]+\.(js|css|svg|html)$)/.test(path))
    .map(({ method, path }) => `${method} ${path.replace(/:(\w+)(\{.*?\})?/g, "{$1}")}`);
  assert.deepEqual([...new Set(there)].sort(), told.sort());
});

/** What the schema of OpenAPI 3.1 finds wrong, and references that lead nowhere; nothing if it is sound. */
async function faultsOf(description: object): Promise<string> {
  const { valid, errors } = await new Validator().validate(structuredClone(description) as Record<string, unknown>);
  return valid ? "" : JSON.stringify(errors);
}

test("a validator of OpenAPI 3.1 finds nothing wrong, with a key and without, and finds what is spoilt on purpose", async () => {
  for (const hasKey of [false, true]) assert.equal(await faultsOf(openApi({ version: "1.2.3", hasKey })), "");
  const text = JSON.stringify(document);
  for (const [part, other] of [
    ['"version":"0"', '"version":0'],
    ['"/v1/models":', '"v1/models":'],
    ['"in":"path"', '"in":"body"'],
    ['"required":true,"schema"', '"schema"'],
    ['"description":"The answer."', '"summary":"The answer."'],
    ['"responses":{"200"', '"responses":{"2000"'],
    ["#/components/schemas/Model", "#/components/schemas/Nodel"],
    ['"scheme":"bearer"', '"name":"bearer"'],
  ]) {
    assert.ok(text.includes(part), part);
    assert.notEqual(await faultsOf(JSON.parse(text.replace(part, other))), "", `${other} is not found`);
  }
});

test("operations have names of their own, paths tell their parameters, and schemas are strict JSON Schema that null does not fit", () => {
  const told = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.values(methods).map((operation) => ({
      path,
      ...(operation as { operationId: string; parameters?: Json[] }),
    })),
  );
  assert.equal(told.length, operations.length);
  assert.equal(new Set(told.map(({ operationId }) => operationId)).size, told.length);
  for (const { path, parameters = [] } of told)
    assert.deepEqual(
      parameters.map((parameter) => `{${(parameter as { name: string }).name}}`),
      path.match(/\{\w+\}/g) ?? [],
    );
  const reader = new OpenApiReader(document);
  for (const name of Object.keys(document.components.schemas))
    assert.notEqual(reader.misfit(name, null), undefined, name);
  const spoilt = { type: "object", properties: { id: { type: "text" } } };
  const { schemas } = document.components;
  const components = { ...document.components, schemas: { ...schemas, Model: spoilt } };
  assert.throws(() => new OpenApiReader({ ...document, components }).misfit("Model", {}), /must be JSONType/);
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
