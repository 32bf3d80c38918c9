/** A run against a server that fails in every way, killed in the middle: nothing is lost, nothing counted twice. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readRun } from "../../src/eval/run/log.ts";
import { runCli } from "../support/cli.ts";
import { startFakeEndpoint } from "../support/fake-endpoint.ts";
import { temporaryFolder } from "../support/sessions.ts";

const SAMPLES = 200;
const faults = {
  seed: 7,
  tooMany: 0.08,
  serverError: 0.06,
  hang: 0.02,
  cut: 0.06,
  reset: 0.03,
  garbage: 0.03,
  most: 2,
};
const codesOf = (prompt: string) => [...prompt.matchAll(/(?<!\d)\d{7}(?!\d)/g)].map(([code]) => code).join(" ");

test("200 samples at 50 in flight, with 429, 500, hangs, cut streams and a kill -9: after --resume all are there, once and right", async () => {
  const server = await startFakeEndpoint({ answer: codesOf, faults, latencyMs: 60 });
  const home = temporaryFolder();
  const out = join(temporaryFolder(), "run");
  const log = join(out, "results.jsonl");
  const args = ["eval", "run", "needle_fact", "--endpoint", server.url, "--mode", "chat"];
  args.push("--lengths", "400", "--samples", String(SAMPLES), "--concurrency", "50", "--timeout", "1", "--out", out);
  const env = { LONGSPAN_HOME: home };
  const lines = () => (existsSync(log) ? readFileSync(log, "utf8").split("\n").length - 1 : 0);

  let timer: ReturnType<typeof setInterval> | undefined;
  const killed = await runCli(args, {
    env,
    onStderr: (_, child) => {
      timer ??= setInterval(() => {
        if (lines() >= 60) child.kill("SIGKILL");
      }, 5);
    },
  });
  clearInterval(timer);
  const before = lines();
  assert.equal(killed.code, null, `the run ended before it was killed: ${killed.stderr}`);
  assert.ok(before >= 60 && before < SAMPLES, `${before} rows when it was killed`);

  const { code, stdout, stderr } = await runCli([...args, "--resume", "--json"], { env });
  assert.equal(code, 0, stderr);
  const { rows } = readRun(out);
  assert.equal(rows.length, SAMPLES);
  assert.equal(new Set(rows.map(({ index }) => index)).size, SAMPLES);
  assert.ok(rows.every(({ score, truncated }) => score === 1 && !truncated));
  assert.equal(JSON.parse(stdout).summary.families[0].tasks[0].cells[0].n, SAMPLES);
  assert.ok(
    rows.some(({ attempts }) => attempts > 1),
    "no request had to be tried again",
  );
  assert.ok(server.maxInFlight() > 40 && server.maxInFlight() <= 50, `${server.maxInFlight()} in flight`);
  assert.ok(server.requests() > SAMPLES * 1.2);
  await server.close();
});
