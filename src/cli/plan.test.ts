/** --plan auto, and what is refused before weights are read, through the command line. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { runCli } from "../../test/support/cli.ts";
import { temporaryFolder, writeModel } from "../../test/support/sessions.ts";
import { tinyModel } from "../../test/support/tiny-model.ts";

const model = writeModel(tinyModel("qwen2", { contextLength: 512, layers: 1, feedForward: 256 }));
const book = join(temporaryFolder(), "book.txt");
writeFileSync(book, "a b c d ".repeat(80));

test("ask --plan auto beyond the trained length answers under dca, and --json has the plan, with nothing about it on stderr", async () => {
  const args = ["ask", book, "Who?", "-m", model, "--max-tokens", "4", "--json", "--plan", "auto"];
  const { code, stdout, stderr } = await runCli(args);
  assert.equal(code, 0, stderr);
  const { promptTokens, plan } = JSON.parse(stdout);
  assert.ok(promptTokens > 512 && promptTokens <= 1024, `${promptTokens} tokens`);
  assert.deepEqual(plan.position, { method: "dca", factor: 2 });
  assert.doesNotMatch(stderr, /plan auto/);
});

test("chat --plan auto says in one line what it chose, for a conversation of a whole multiple of the trained length", async () => {
  const { code, stderr } = await runCli(["chat", book, "-m", model, "--max-tokens", "4", "--plan", "auto"]);
  assert.equal(code, 0, stderr);
  const lines = stderr.split("\n").filter((line) => line.startsWith("plan auto: "));
  assert.equal(lines.length, 1);
  assert.match(
    lines[0],
    /1,024 tokens exceed the 512 .*: position dca, .* reaches 1,024\. All tokens are kept in q8 pages/,
  );
});

test("eval refuses auto with the reason, and a plan whose parts do not go together ends before weights are read", async () => {
  const auto = await runCli(["eval", "perplexity", book, "-m", model, "--plan", "auto"]);
  assert.equal(auto.code, 2);
  assert.match(auto.stderr, /got "auto": it is chosen by the length of a prompt, which this command does not know/);
  const plan = '{"position":{"method":"dca"},"cache":{"score":"random","budget":256}}';
  const { code, stdout, stderr } = await runCli(["ask", book, "Who?", "-m", model, "--plan", plan]);
  assert.deepEqual([code, stdout], [2, ""]);
  assert.match(stderr, /^longspan: plan: cache\.score: .*keys are held in zones by position.*Leave the score out/);
});

test("plans check: notes, what auto would choose, and what does not reach or fit the model", async () => {
  const plan = '{"cache":{"score":"random","budget":256}}';
  const sound = await runCli(["plans", "check", plan, "--model", model]);
  assert.equal(sound.code, 0, sound.stderr);
  assert.match(sound.stdout, /^The plan is sound\. .* reads up to 512\.\nNote: Schedule "after-prefill": memory holds/);
  const auto = await runCli(["plans", "check", "auto", "--model", model, "--tokens", "600", "--json"]);
  const { plan: chosen, reasons, contextLength, notes } = JSON.parse(auto.stdout);
  assert.deepEqual([chosen.position, contextLength, notes], [{ method: "dca", factor: 2 }, 1024, []]);
  assert.match(reasons[0], /600 tokens exceed the 512/);
  for (const [args, message] of [
    [
      ["exact", "--model", model, "--tokens", "600"],
      /position: expected to reach 600 tokens, got "rope", which reaches 512/,
    ],
    [["auto", "--model", model], /expected the tokens of prompt and output, got none\. Pass --tokens N/],
    [
      ['{"position":{"method":"longrope","factor":2,"divisors":[1]}}', "--model", model],
      /divisors: expected 32 numbers/,
    ],
  ] as const) {
    const { code, stderr } = await runCli(["plans", "check", ...args]);
    assert.equal(code, 2);
    assert.match(stderr, message);
  }
});
