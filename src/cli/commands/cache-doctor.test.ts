import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { runCli } from "../../../test/support/cli.ts";
import { temporaryFolder, writeModel } from "../../../test/support/sessions.ts";
import { tinyModel } from "../../../test/support/tiny-model.ts";

const model = writeModel(tinyModel("qwen2", { layers: 1, feedForward: 256 }));
const folder = temporaryFolder();
const book = "It was a dark and stormy night; the rain fell in torrents. ".repeat(40);

function save(name: string, body: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof body === "string" ? body : JSON.stringify(body));
  return path;
}

function ask(system: string, content: unknown): object {
  return {
    messages: [
      { role: "system", content: system },
      { role: "user", content },
    ],
  };
}

async function doctor(a: unknown, b: unknown, ...options: string[]) {
  return runCli(["cache", "doctor", save("a.json", a), save("b.json", b), "-m", model, ...options]);
}

test("a date before the text: named with its place in the message, and little is reused", async () => {
  const [a, b] = ["2026-01-31", "2026-02-01"].map((date) => ask(`Be brief. Today is ${date}.`, `${book}\nWho?`));
  const { code, stdout } = await doctor(a, b);
  assert.equal(code, 0);
  assert.match(
    stdout,
    /^A {7}[\d,]+ tokens\nB {7}[\d,]+ tokens\nshared {2}\d+ tokens, 0 whole blocks of 64: 0 % of B is reused\n/,
  );
  assert.match(
    stdout,
    /\nparts {3}in message 0 \(system\), at character 25\nbefore {2}"<\|im_start\|>system\\nBe brief\. Today is 2026-0"\n/,
  );
  assert.match(
    stdout,
    /\nin A {4}"1-31\.<.*\nin B {4}"2-01\.<.*\n\nThe prompts part at a date or time near the beginning \(message 0, system\)\./,
  );
});

test("text parts are joined; two questions about one text share it, as JSON, and tools are spoken of", async () => {
  const parts = (question: string) => [
    { type: "text", text: book },
    { type: "text", text: question },
  ];
  const tools = (name: string) => ({ tools: [{ type: "function", function: { name } }] });
  const first = { ...ask("Be brief.", parts("Who?")), ...tools("find") };
  const { stdout } = await doctor(first, { ...ask("Be brief.", `${book}When?`), ...tools("look") }, "--json");
  const { tokensB, sharedTokens, sharedBlocks, reused, divergence, advice, note } = JSON.parse(stdout);
  assert.ok(reused > 0.9 && sharedBlocks === Math.floor(sharedTokens / 64) && sharedTokens < tokensB, stdout);
  assert.deepEqual([divergence.message, divergence.role, divergence.offset], [1, "user", book.length + 2]);
  assert.match(advice, /^Only the last message differs/);
  assert.match(note, /^The tools differ/);
});

test("plain prompts are compared as well", async () => {
  const { stdout } = await doctor({ prompt: `${book}Who?` }, { prompt: `${book}When?` });
  assert.match(stdout, /parts {3}in the prompt, outside of messages, at character 2,362\n/);
  assert.match(stdout, /Most of B is reused/);
});

test("what is no request, and parts that are no text, are refused with their place", async () => {
  const good = ask("Be brief.", "Who?");
  const cases: [b: unknown, complaint: RegExp][] = [
    ["no JSON", /b\.json: expected JSON/],
    [{ messages: [] }, /b\.json: expected \{"messages"/],
    [{ messages: [{ content: "a" }] }, /messages\[0\]: expected a role, got none/],
    [
      ask("", [{ type: "image_url", image_url: {} }]),
      /messages\[1\]\.content\[0\]: expected .* got a part of type "image_url"\. Leave out/,
    ],
  ];
  const results = await Promise.all(
    cases.map(([b], i) => runCli(["cache", "doctor", save("good.json", good), save(`${i}b.json`, b), "-m", model])),
  );
  for (const [i, { code, stderr }] of results.entries()) {
    assert.equal(code, 2);
    assert.match(stderr, cases[i][1]);
  }
});
