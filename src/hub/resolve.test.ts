import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { parseReference } from "./reference.ts";
import { isOnThisMachine, resolveModel } from "./resolve.ts";
import { listStoredHubModels, removeModel } from "./stored.ts";

const home = mkdtempSync(join(tmpdir(), "longspan-resolve-"));
process.once("exit", () => rmSync(home, { recursive: true, force: true }));
const content = Buffer.from("GGUF and the rest of a small file");
const sha256 = createHash("sha256").update(content).digest("hex");
let downloads = 0;
const server = createServer((request, response) => {
  if (request.url !== "/owner/repository/resolve/main/small.gguf") return response.writeHead(404).end();
  downloads++;
  response.writeHead(200, { "content-length": content.length, "x-linked-etag": `"${sha256}"` }).end(content);
});
await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
process.env.LONGSPAN_HOME = home;
process.env.HF_ENDPOINT = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
after(() => server.close());

const small = "hf:owner/repository/small.gguf";

test("an hf: reference is pulled once, then found, listed, removed, and pulled again", async () => {
  const path = join(home, "models", "hf", "owner", "repository", "small.gguf");
  assert.equal(await isOnThisMachine(parseReference(small)), false);
  assert.equal(await resolveModel(small), path);
  assert.equal(await resolveModel(small), path);
  assert.equal(downloads, 1);
  assert.ok(readFileSync(path).equals(content));
  assert.equal(await isOnThisMachine(parseReference(small)), true);
  assert.deepEqual(await listStoredHubModels(), [{ name: small, path, bytes: content.length }]);

  assert.equal(await removeModel(parseReference(small)), content.length);
  assert.equal(existsSync(path), false);
  assert.equal(await removeModel(parseReference(small)), 0);
  await resolveModel(small);
  assert.equal(downloads, 2);
});

test("a file that the hub does not have is an error with the address, and leaves nothing", async () => {
  await assert.rejects(
    resolveModel("hf:owner/repository/none.gguf"),
    /got HTTP 404\. Check owner, repository and file name/,
  );
  assert.equal((await listStoredHubModels()).length, 1);
});

test("a path resolves to itself without any network", async () => {
  const path = join(home, "mine.gguf");
  writeFileSync(path, content);
  assert.equal(await resolveModel(path), path);
});

test("a file of the catalogue's name but not its size does not count as pulled", async () => {
  const { path } = parseReference("smollm2-135m");
  writeFileSync(path, "GGUF");
  assert.equal(await isOnThisMachine(parseReference("smollm2-135m")), false);
});
