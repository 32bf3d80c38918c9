/** longspan serve as a process: it listens before it has loaded, answers, and ends politely. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "../support/sessions.ts";
import { writeTinyModel } from "../support/tiny-model.ts";

const entry = fileURLToPath(new URL("../support/cli-entry.js", import.meta.url));

async function start(...options: string[]) {
  const model = await writeTinyModel("qwen2-q8_0");
  const env = { ...process.env, LONGSPAN_HOME: temporaryFolder(), LONGSPAN_API_KEY: "secret" };
  const child = spawn(process.execPath, [entry, "serve", "-m", model, "--port", "0", ...options], { env });
  const said: string[] = [];
  const lines = createInterface(child.stderr).on("line", (line) => said.push(line));
  const lineWith = async (part: string) => {
    for (;;) {
      const line = said.find((text) => text.includes(part));
      if (line !== undefined) return line;
      await once(lines, "line");
    }
  };
  return { child, lineWith, ended: once(child, "close"), said };
}

test("it listens at once, is ready when it says so, asks for the key, allows the origin, and SIGTERM ends it while it writes", async () => {
  const { child, lineWith, ended, said } = await start("--cors", "http://a.example");
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(await lineWith("503 until"))?.[0];
  const early = await fetch(`${url}/health`);
  if (early.status === 503) assert.equal(((await early.json()) as { status: string }).status, "loading");
  await lineWith("Ctrl-C ends it");
  assert.equal((await fetch(`${url}/health`)).status, 200);
  assert.equal((await fetch(`${url}/v1/cache`)).status, 401);
  const headers = { authorization: "Bearer secret", origin: "http://a.example" };
  const cache = await fetch(`${url}/v1/cache`, { headers });
  assert.deepEqual([cache.status, cache.headers.get("access-control-allow-origin")], [200, "http://a.example"]);
  const body = { prompt: "a", max_tokens: 1500, ignore_eos: true, stream: true };
  const stream = await fetch(`${url}/v1/completions`, { method: "POST", headers, body: JSON.stringify(body) });
  const reader = stream.body?.getReader();
  await reader?.read();
  child.kill("SIGTERM");
  assert.deepEqual(await ended, [0, null], said.join("\n"));
  await reader?.cancel().catch(() => {});
});

test("what is no origin is refused before anything is loaded", async () => {
  const { ended, said } = await start("--cors", "http://a.example/page");
  assert.deepEqual(await ended, [2, null]);
  assert.match(said.join("\n"), /--cors: expected an origin or \*.*--cors http:\/\/a\.example\./);
});
