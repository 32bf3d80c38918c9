import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { z } from "zod";
import { ask, tinyServer } from "../../test/clients/tiny-server.ts";
import { temporaryFolder } from "../../test/support/sessions.ts";
import { InputError } from "../runtime/errors.ts";
import { createApp } from "./app.ts";
import type { OpenApi } from "./openapi.ts";
import type { ReportSource } from "./reports-folder.ts";
import type { Report, ReportEntry } from "./reports-schema.ts";

const home = temporaryFolder();
const folder = join(home, "runs");
/** All folders that were read. */
const seen: string[] = [];

/** A run is one file of JSON here: the server knows nothing of its files. */
const source: ReportSource = {
  folder,
  read(path) {
    seen.push(path);
    const text = readFileSync(join(path, "run.json"), "utf8");
    try {
      return JSON.parse(text);
    } catch {
      throw new InputError(`${join(path, "run.json")}: expected JSON, got a part of it.`);
    }
  },
  readPage(path) {
    seen.push(path);
    return readdirSync(path).includes("report.html")
      ? new Uint8Array(readFileSync(join(path, "report.html")))
      : undefined;
  },
};
const tiny = await tinyServer({ reports: source });
const { server, options } = tiny;
after(() => tiny.close());

const cells = [{ length: 4096, n: 25, truncated: 0, score: 0.96, interval: { low: 0.8, high: 0.99 } }];
const summary = {
  ...{ mode: "raw", lengths: [4096] },
  families: [{ family: "ruler", tasks: [{ task: "vt", family: "ruler", cells }], macros: [] }],
};

function run(startedAt: string): object {
  return {
    ...{ state: "finished", model: "tiny", plan: {}, planName: "exact", mode: "raw", tasks: ["vt"], lengths: [4096] },
    ...{ startedAt, longspan: "0.1.0", asked: 25, answered: 25, means: [], hasPage: true, summary },
  };
}

function keep(path: string, content: object | string, page?: string): void {
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, "run.json"), typeof content === "string" ? content : JSON.stringify(content));
  if (page !== undefined) writeFileSync(join(path, "report.html"), page);
}

async function listing(): Promise<ReportEntry[]> {
  const { status, body } = await ask(server, "GET /v1/reports");
  assert.equal(status, 200);
  return (body as { data: ReportEntry[] }).data;
}

test("without a folder, and without runs in it, the list is empty", async () => {
  assert.deepEqual(await listing(), []);
  assert.deepEqual((await ask(createApp({ ...options, reports: undefined }), "GET /v1/reports")).body, {
    ...{ object: "list", data: [] },
  });
});

test("runs are listed newest first without their summaries, and one is opened with it; no path is told", async () => {
  keep(join(folder, "20261101-old"), run("2026-11-01T08:00:00.000Z"), "<!doctype html><title>old</title>");
  keep(join(folder, "a run of mine"), run("2026-11-02T08:00:00.000Z"));
  keep(join(home, "elsewhere"), run("2026-11-03T08:00:00.000Z"));
  symlinkSync(join(home, "elsewhere"), join(folder, "linked"));
  symlinkSync(join(home, "nowhere"), join(folder, "dangling"));
  writeFileSync(join(folder, "notes.txt"), "no run");
  const data = await listing();
  assert.deepEqual(
    data.map(({ id }) => id),
    ["linked", "a run of mine", "20261101-old"],
  );
  assert.ok(data.every((entry) => !("summary" in entry)));
  for (const { id, ...entry } of data) {
    const { status, body } = await ask(server, `GET /v1/reports/${encodeURIComponent(id)}`);
    assert.equal(status, 200);
    assert.deepEqual(body, { id, ...entry, summary });
  }
  assert.ok(!JSON.stringify(data).includes(home));
});

test("the page is the file as it was written, in an origin of its own; a run without one is 404", async () => {
  const { status, headers, body } = await ask(server, "GET /v1/reports/20261101-old/page");
  assert.deepEqual([status, body], [200, "<!doctype html><title>old</title>"]);
  assert.equal(headers.get("content-type"), "text/html; charset=utf-8");
  const policy = headers.get("content-security-policy") ?? "";
  assert.match(policy, /^sandbox allow-scripts; default-src 'none';.*frame-ancestors 'none'$/);
  assert.doesNotMatch(policy, /allow-same-origin|connect-src|https?:|\*/);
  const none = await ask(server, "GET /v1/reports/a%20run%20of%20mine/page");
  assert.equal(none.status, 404);
  assert.match(JSON.stringify(none.body), /longspan eval report/);
});

test("damaged runs are listed as such with what is wrong, the others stay; no path is told", async () => {
  keep(join(folder, "d-part"), '{"state": "fin');
  keep(join(folder, "d-other"), { hello: "there" });
  keep(join(folder, "d-null"), "null");
  keep(join(folder, "d-score"), {
    ...run("2026-11-04T08:00:00.000Z"),
    means: [{ length: 1, tasks: 1, score: "high" }],
  });
  mkdirSync(join(folder, "d-empty"));
  const data = await listing();
  const damaged = data.slice(3);
  assert.ok(data.slice(0, 3).every(({ state }) => state === "finished"));
  assert.deepEqual(
    damaged.map(({ id, state }) => `${id} ${state}`),
    ["d-empty", "d-null", "d-other", "d-part", "d-score"].map((id) => `${id} damaged`),
  );
  for (const entry of damaged) {
    assert.ok(typeof entry.problem === "string" && entry.problem.length > 0 && !entry.problem.includes(home), entry.id);
    const { status, body } = await ask(server, `GET /v1/reports/${entry.id}`);
    assert.deepEqual([status, body], [200, entry]);
  }
  const problemOf = (id: string) => damaged.find((entry) => entry.id === id)?.problem;
  assert.equal(problemOf("d-part"), "run.json: expected JSON, got a part of it.");
  assert.match(`${problemOf("d-score")}`, /^means\.0\.score: /);
});

test("no path in a request reaches the file system: all but listed names are 404, and only listed folders are read", async () => {
  keep(join(home, "secret"), run("2026-11-05T08:00:00.000Z"), "secret");
  assert.equal((await ask(server, "GET /v1/reports/linked")).status, 200, "the check can tell");
  seen.length = 0;
  const names = readdirSync(folder);
  const paths = [
    "../secret",
    "..",
    ".",
    "",
    "./linked",
    "linked/",
    "linked/../../secret",
    "/etc",
    join(home, "secret"),
  ];
  const asked = [...paths, "..\\secret", "linked\0", "20261101", "notes.txt", "dangling", "LINKED"].flatMap((path) => [
    encodeURIComponent(path),
    encodeURIComponent(path).replaceAll(".", "%2e"),
    encodeURIComponent(encodeURIComponent(path)),
    encodeURI(path),
  ]);
  const part = fc.constantFrom("..", ".", "/", "\\", "%2f", "%2e", "%00", "secret", "runs", "linked", home);
  const any = fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join(""));
  for (const id of [...asked, ...fc.sample(any, { numRuns: 300, seed: 7 })])
    for (const route of [`/v1/reports/${id}`, `/v1/reports/${id}/page`]) {
      const { pathname } = new URL(route, "http://host");
      const isListed = /^\/v1\/reports\/linked(\/page)?$/.test(pathname) || pathname === "/v1/reports";
      const { status, body } = await ask(server, `GET ${route}`);
      if (!isListed) assert.ok(status === 404, `${route}: ${status} ${JSON.stringify(body)}`);
    }
  for (const path of seen) assert.ok(dirname(path) === folder && names.includes(basename(path)), path);
});

test("nothing is written or removed: other methods are 404, and the folder stays as it was", async () => {
  const state = () =>
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => !name.startsWith("dangling"))
      .map((name) => `${name} ${statSync(join(folder, name)).mtimeMs}`);
  const before = state();
  await listing();
  for (const method of ["POST", "PUT", "PATCH", "DELETE"])
    for (const path of ["/v1/reports", "/v1/reports/linked", "/v1/reports/20261101-old/page"])
      assert.equal((await ask(server, `${method} ${path}`)).status, 404, `${method} ${path}`);
  assert.deepEqual(state(), before);
});

test("with a key all of it asks for the key; pages of other origins may not read it unless they are let in", async () => {
  const routes = ["/v1/reports", "/v1/reports/linked", "/v1/reports/20261101-old/page", "/v1/reports/none"];
  const keyed = createApp({ ...options, apiKey: "secret" });
  const open = createApp({ ...options, corsOrigin: "http://page.test" });
  for (const path of routes) {
    assert.equal((await ask(keyed, `GET ${path}`)).status, 401, path);
    const expected = path.endsWith("none") ? 404 : 200;
    assert.equal((await ask(keyed, `GET ${path}`, undefined, { "x-api-key": "secret" })).status, expected, path);
    const foreign = { origin: "http://page.test" };
    const allowed = async (app: typeof open) =>
      (await ask(app, `GET ${path}`, undefined, foreign)).headers.get("access-control-allow-origin");
    assert.deepEqual([await allowed(server), await allowed(open)], [null, "http://page.test"], path);
  }
});

test("answers are as /openapi.json says, sound and damaged; a summary without what a table needs is damaged", async () => {
  const { components } = (await ask(server, "GET /openapi.json")).body as OpenApi;
  const schemaOf = (name: string) =>
    z.fromJSONSchema(components.schemas[name] as Parameters<typeof z.fromJSONSchema>[0]);
  const { body: all } = await ask(server, "GET /v1/reports");
  assert.ok(schemaOf("Reports").safeParse(all).success);
  for (const { id } of (all as { data: ReportEntry[] }).data)
    assert.ok(
      schemaOf("Report").safeParse((await ask(server, `GET /v1/reports/${encodeURIComponent(id)}`)).body).success,
      id,
    );
  assert.ok(!schemaOf("Reports").safeParse({ ...(all as object), data: [{ id: "x" }] }).success, "the check can tell");
  const broken = structuredClone(summary) as { families: { tasks: { cells: object[] }[] }[] };
  broken.families[0].tasks[0].cells[0] = { length: 4096 };
  keep(join(folder, "d-cell"), { ...run("2026-11-06T08:00:00.000Z"), summary: broken });
  const { body } = await ask(server, "GET /v1/reports/d-cell");
  assert.equal((body as Report).state, "damaged");
});
