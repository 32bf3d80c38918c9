/** ask --reuse epic: files that were read once are put together in any order. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { builtInHaystack } from "../../src/eval/haystack.ts";
import { runCli } from "../support/cli.ts";
import { modelPath } from "../support/models.ts";
import { temporaryFolder } from "../support/sessions.ts";

const model = await modelPath("qwen2.5-coder-0.5b");
const folder = temporaryFolder();
const haystack = builtInHaystack("speeches");

/** About 750 tokens with a fact in the middle. */
function fileWith(name: string, fact: string, offset: number): string {
  const path = join(folder, name);
  writeFileSync(path, `${haystack.words(280, offset)}\n${fact}\n${haystack.words(280, offset + 280)}\n`);
  return path;
}
const lighthouse = fileWith("lighthouse.txt", "The password of the old lighthouse is marigold.", 1000);
const dog = fileWith("dog.txt", "The name of the keeper's dog is Bruno.", 9000);

async function ask(paths: string[], question: string) {
  const args = ["ask", ...paths, question, "-m", model, "-n", "24", "--json", "--reuse", "epic"];
  const { code, stdout, stderr } = await runCli(args, { env: { LONGSPAN_HOME: join(folder, "home") } });
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

test("qwen2.5-coder-0.5b, two files of 750 tokens: in the other order, a new program reads them in less than a third of the time, and finds the fact in either", async () => {
  const first = await ask([lighthouse, dog], "What is the password of the old lighthouse?");
  assert.match(first.answer, /marigold/i);
  assert.equal(first.cachedTokens, 0);
  assert.ok(first.promptTokens > 1300 && first.promptTokens < 1900, `${first.promptTokens} tokens`);
  for (const [question, answer] of [
    ["What is the name of the keeper's dog?", /Bruno/],
    ["What is the password of the old lighthouse?", /marigold/i],
  ] as const) {
    const again = await ask([dog, lighthouse], question);
    assert.match(again.answer, answer);
    assert.ok(again.cachedTokens > 0.8 * again.promptTokens, `${again.cachedTokens} tokens were held`);
    const seconds = [again, first].map(({ prefillSeconds }) => prefillSeconds.toFixed(2));
    assert.ok(again.prefillSeconds < first.prefillSeconds / 3, `${seconds[0]} s against ${seconds[1]} s`);
  }
});
