/** The harness with a real model, from the command line to the report. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readRun } from "../../src/eval/run/log.ts";
import { runCli } from "../support/cli.ts";
import { temporaryFolder } from "../support/sessions.ts";

const model = ["--model", "smollm2-135m"];

test("eval run: niah_single_2 and vt at 1,024 tokens, filled to 0.97 or more; at least 5 of 6 needles found; the harness takes less than 3 % of the time", async () => {
  const out = join(temporaryFolder(), "run");
  const args = ["eval", "run", "niah_single_2", "vt", ...model, "--lengths", "1k", "--samples", "6", "--no-cache"];
  const { code, stdout, stderr } = await runCli([...args, "--out", out, "--json"]);
  assert.equal(code, 0, stderr);
  const { rows, info } = readRun(out);
  assert.equal(rows.length, 12);
  assert.equal(info.mode, "chat+prefill");
  assert.ok(rows.every(({ fill }) => fill > 0.97 && fill <= 1));
  assert.ok(rows.filter(({ task, score }) => task === "niah_single_2" && score === 1).length >= 5);
  // Essays begin alike: all but the first sample find a part of theirs in the cache.
  assert.ok(rows.filter(({ task, usage }) => task === "niah_single_2" && usage.cachedTokens > 0).length >= 4);
  const { ownSeconds, summary } = JSON.parse(stdout);
  assert.ok(ownSeconds < 0.03 * summary.totals.seconds, `${ownSeconds} s of ${summary.totals.seconds} s`);
  for (const file of ["report.html", "cells.csv", "samples.csv", "summary.json"])
    assert.ok(existsSync(join(out, file)), file);
  assert.match(stderr, /12 samples, at most 12,288 tokens; predicted time: at most about/);

  const again = await runCli([...args, "--out", out, "--resume", "--json"]);
  assert.equal(again.code, 0, again.stderr);
  assert.deepEqual(JSON.parse(again.stdout).summary, summary);
  const { stdout: comparison, code: same } = await runCli(["eval", "compare", out, out, "--json", "--fail-below", "0"]);
  assert.equal(same, 0);
  assert.ok(JSON.parse(comparison).cells.every(({ difference }: { difference: number }) => difference === 0));
});

test("eval samples and eval file: what one prints the other scores, raw, as string_match_all does", async () => {
  const { stdout } = await runCli(["eval", "samples", "niah_single_1", ...model, "--lengths", "600", "--samples", "3"]);
  const path = join(temporaryFolder(), "samples.jsonl");
  writeFileSync(path, stdout);
  const out = join(temporaryFolder(), "run");
  const result = await runCli(["eval", "file", path, ...model, "--out", out, "--json"]);
  assert.equal(result.code, 0, result.stderr);
  const { rows } = readRun(out);
  assert.equal(rows.length, 3);
  for (const { mode, output, references, score } of rows) {
    assert.equal(mode, "raw");
    const found = references.filter((text) => output.toLowerCase().includes(text.toLowerCase())).length;
    assert.equal(score, found / references.length);
  }
});

test("eval perplexity: after 256 tokens a text is more likely than after none", async () => {
  const path = join(temporaryFolder(), "text.txt");
  writeFileSync(path, readFileSync("test/golden/logits/text.txt", "utf8"));
  const { code, stdout, stderr } = await runCli([
    ...["eval", "perplexity", path, ...model, "--targets", "100", "--contexts", "0,256", "--json"],
  ]);
  assert.equal(code, 0, stderr);
  const { contexts } = JSON.parse(stdout);
  assert.ok(contexts[1].perplexity < contexts[0].perplexity && contexts[1].perplexity > 5, stdout);
});

test("eval kv: q8 pages against f32 pages on a needle and 64 tokens of text: mean KL below 0.02, the needle is kept", async () => {
  const args = ["eval", "kv", "needle_fact", ...model, "--lengths", "600", "--samples", "2", "--continuation", "64"];
  const { code, stdout, stderr } = await runCli([...args, "--json"]);
  assert.equal(code, 0, stderr);
  const { continuation, tasks } = JSON.parse(stdout);
  assert.ok(continuation.kl.mean > 0 && continuation.kl.mean < 0.02, JSON.stringify(continuation.kl));
  assert.equal(tasks[0].difference, 0);
});
