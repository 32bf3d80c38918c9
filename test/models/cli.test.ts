/** The commands on a real model, as processes: what goes to stdout, what to stderr, and what Ctrl-C leaves behind. */
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { runCli } from "../support/cli.ts";
import { modelPath } from "../support/models.ts";

const model = await modelPath("smollm2-135m");
const folder = mkdtempSync(join(tmpdir(), "longspan-cli-models-"));
const note = fileWith(
  "note.txt",
  "The password of the old lighthouse is marigold. The keeper's dog is called Bruno.\n",
);
// About 2,500 tokens: long enough to be interrupted, short enough for the context.
const long = fileWith("long.txt", `${readFileSync(note, "utf8")}${"The sea was calm that night. ".repeat(350)}`);

function fileWith(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** Sends Ctrl-C once, when stderr first matches. */
function interruptAt(pattern: RegExp): (all: string, child: ChildProcess) => void {
  let sent = false;
  return (all, child) => {
    if (sent || !pattern.test(all)) return;
    sent = true;
    child.kill("SIGINT");
  };
}

test("ask answers on stdout, with progress and statistics on stderr", async () => {
  const question = "What is the password of the old lighthouse?";
  const { code, stdout, stderr } = await runCli(["ask", note, question, "-m", model, "-n", "24"]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /marigold/i);
  assert.match(stderr, /read \d+ tokens in .* tokens\/s\) · wrote \d+ in .* · peak memory \d+ MB\n$/);
});

test("ask --json prints one object with the same answer for the same text on standard input", async () => {
  const question = "What is the password of the old lighthouse?";
  const args = ["-m", model, "-n", "24", "--json"];
  const [fromFile, fromStdin] = [
    await runCli(["ask", note, question, ...args]),
    await runCli(["ask", "-", question, ...args], { stdin: readFileSync(note, "utf8") }),
  ];
  const result = JSON.parse(fromFile.stdout);
  assert.deepEqual(Object.keys(result), [
    "answer",
    "promptTokens",
    "cachedTokens",
    "outputTokens",
    "prefillSeconds",
    "decodeSeconds",
    "peakBytes",
    "plan",
  ]);
  assert.match(result.answer, /marigold/i);
  assert.ok(result.promptTokens > 40 && result.outputTokens > 2 && result.outputTokens <= 24);
  assert.ok(result.peakBytes > 1e8 && result.prefillSeconds > 0 && result.decodeSeconds > 0);
  assert.equal(result.plan.cache.format, "q8");
  assert.equal(JSON.parse(fromStdin.stdout).answer, result.answer);
});

test("a prompt longer than the context is refused before weights are read", async () => {
  const { code, stderr } = await runCli(["ask", fileWith("huge.txt", "word ".repeat(9000)), "Who?", "-m", model]);
  assert.equal(code, 3);
  assert.match(stderr, /^longspan: ask: 9,\d{3} tokens and room for 512 more, the model's context is 8,192\./);
});

test("chat reads documents once: the second question adds fewer than 60 tokens", async () => {
  const stdin =
    "What is the password of the old lighthouse?\n\n/help\n/nonsense\nWhat is the name of the dog?\n/exit\nNever?\n";
  const { code, stdout, stderr } = await runCli(["chat", note, "-m", model, "-n", "24"], { stdin });
  assert.equal(code, 0, stderr);
  assert.match(stdout, /marigold[\s\S]*Bruno/i);
  const statistics = [...stderr.matchAll(/read ([\d,]+) tokens(?: \((\d+) more were held\))? in/g)];
  assert.equal(statistics.length, 2, stderr);
  assert.ok(Number(statistics[1][1]) < 60 && Number(statistics[1][2]) > 60, stderr);
  assert.match(stderr, /\/exit {3}leave/);
  assert.match(stderr, /\/nonsense: unknown/);
  assert.doesNotMatch(stderr, /reading all of it again/);
});

test("Ctrl-C during chat stops the answer, and the next question is answered", async () => {
  const stdin = "What is the password of the old lighthouse?\nWhat is the name of the dog?\n";
  const onStderr = interruptAt(/^reading .*%/m);
  const { code, stderr } = await runCli(["chat", long, "-m", model, "-n", "8"], { stdin, onStderr });
  assert.equal(code, 0, stderr);
  assert.match(stderr, /stopped\n[\s\S]*read [\d,]+ tokens/);
});

test("Ctrl-C while ask reads ends with exit code 130 and no output", async () => {
  const started = performance.now();
  const onStderr = interruptAt(/^reading .*%/m);
  const { code, stdout, stderr } = await runCli(["ask", long, "Who?", "-m", model, "--no-cache"], { onStderr });
  assert.deepEqual({ code, stdout }, { code: 130, stdout: "" }, stderr);
  assert.match(stderr, /longspan: interrupted\n$/);
  assert.ok(performance.now() - started < 20_000);
});

test("logits writes [tokens, vocabulary] f32, the same for any chunk, and the likeliest tokens make sense", async () => {
  const ids = fileWith("ids.json", (await runCli(["tokenize", model, note, "--json"])).stdout);
  const tokens = JSON.parse(readFileSync(ids, "utf8")).length;
  const rows = await Promise.all(
    ["512", "5"].map(async (chunk) => {
      const out = join(folder, `logits-${chunk}.f32`);
      const { code, stderr } = await runCli(["logits", model, "--tokens", ids, "--out", out, "--chunk", chunk]);
      assert.equal(code, 0, stderr);
      return new Float32Array(Uint8Array.from(readFileSync(out)).buffer);
    }),
  );
  const vocabularySize = rows[0].length / tokens;
  assert.equal(vocabularySize, 49_152);
  const best = rows.map((logits) =>
    Array.from({ length: tokens }, (_, row) => {
      const values = logits.subarray(row * vocabularySize, (row + 1) * vocabularySize);
      return values.indexOf(values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY));
    }),
  );
  assert.deepEqual(best[0], best[1]);
  assert.ok(!readdirSync(folder).some((name) => name.endsWith(".part")));
});

test("interrupted logits leave nothing behind", async () => {
  const ids = fileWith("long-ids.json", (await runCli(["tokenize", model, long, "--json"])).stdout);
  const before = readdirSync(folder);
  const onStderr = interruptAt(/^logits .*%/m);
  const args = ["logits", model, "--tokens", ids, "--out", join(folder, "stopped.f32")];
  const { code, stderr } = await runCli(args, { onStderr });
  assert.equal(code, 130, stderr);
  assert.deepEqual(readdirSync(folder), before);
});

test("bench prints a table and, with --json, one object on the last line", async () => {
  const args = ["bench", model, "--prompt-tokens", "64,32", "--decode-tokens", "4", "--runs", "2", "--threads", "1"];
  const { code, stdout, stderr } = await runCli([...args, "--json"]);
  assert.equal(code, 0, stderr);
  const lines = stdout.trim().split("\n");
  assert.match(lines[0], /1 thread, loaded in/);
  assert.match(lines[1], /prompt tokens +prefill tokens\/s +prefill +streams +decode tokens\/s +decode +peak memory/);
  const { results, ...rest } = JSON.parse(lines.at(-1)!);
  assert.deepEqual([rest.threads, rest.decodeTokens, rest.runs, rest.plan.cache.format], [1, 4, 2, "q8"]);
  assert.deepEqual(
    results.map((result: { promptTokens: number }) => result.promptTokens),
    [32, 64],
  );
  for (const result of results)
    for (const key of [
      "prefillTokensPerSecond",
      "decodeTokensPerSecond",
      "prefillSeconds",
      "decodeSeconds",
      "peakBytes",
    ])
      assert.ok(result[key] > 0, key);
  assert.equal((await runCli(args)).stdout.trim().split("\n").length, 4);
});
