import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { Hono } from "hono";
import { temporaryFolder } from "../../test/support/sessions.ts";
import { asRequestError, errorBody } from "./errors.ts";
import { addPageFiles } from "./web.ts";

const MOST_GZIPPED_BYTES = 40_000;

function appOf(folder?: string): Hono {
  const app = new Hono();
  app.onError((error, context) => context.json(errorBody(asRequestError(error)), asRequestError(error).status));
  addPageFiles(app, folder);
  return app;
}

test("the page and its files come with their types, under a policy without inline scripts or other origins; nothing else is served", async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "assets"));
  const files = { "index.html": "<!doctype html>", "assets/a-1.js": "1", "assets/a-1.css": "a{}", "secret.txt": "no" };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  const app = appOf(folder);
  const types = { "/": /^text\/html/, "/assets/a-1.js": /^text\/javascript/, "/assets/a-1.css": /^text\/css/ };
  for (const [path, type] of Object.entries(types)) {
    const { status, headers } = await app.request(path);
    assert.equal(status, 200, path);
    assert.match(headers.get("content-type") ?? "", type);
    const policy = headers.get("content-security-policy") ?? "";
    assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self';.*frame-ancestors 'none'$/);
    assert.doesNotMatch(policy, /unsafe|https?:|\*/);
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.equal(/immutable/.test(headers.get("cache-control") ?? ""), path.startsWith("/assets/"));
  }
  for (const path of ["/secret.txt", "/index.html", "/assets/", "/assets/../secret.txt", "/%2e%2e/package.json"])
    assert.equal((await app.request(path)).status, 404, path);
});

test("where the page is not built, / says how", async () => {
  const response = await appOf(join(temporaryFolder(), "none")).request("/");
  assert.equal(response.status, 404);
  assert.match(await response.text(), /npm run build/);
});

test(`the page as built: no inline script or style, no other origin, less than ${MOST_GZIPPED_BYTES / 1000} kB gzipped`, (t) => {
  const folder = "build/web";
  if (!existsSync(folder)) return t.skip("the page is not built");
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => /\.\w+$/.test(name));
  const sizes = names.map((name) => gzipSync(readFileSync(join(folder, name))).length);
  assert.ok(sizes.reduce((sum, size) => sum + size, 0) < MOST_GZIPPED_BYTES, String(sizes));
  const page = readFileSync(join(folder, "index.html"), "utf8");
  assert.doesNotMatch(page, /<script(?![^>]* src=)|<style|style=|https?:/);
});
