/** Short prompts under plans with sparse prefill, through the command line. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { runCli } from "../../test/support/cli.ts";
import { temporaryFolder, writeModel } from "../../test/support/sessions.ts";
import { tinyModel } from "../../test/support/tiny-model.ts";
import { type Plan, parsePlan } from "../context/plan.ts";
import { breakEvenOf } from "../engine/break-even.ts";
import { BreakEvens } from "../hub/break-evens.ts";
import { PromptPlans } from "./prompt-plans.ts";
import { version } from "./version.ts";

process.env.LONGSPAN_HOME = temporaryFolder();

const model = writeModel(tinyModel("qwen2", { contextLength: 8192, layers: 1, feedForward: 256 }));
const folder = temporaryFolder();
const book = textFile("book.txt", 80);

function textFile(name: string, times: number): string {
  const path = join(folder, name);
  writeFileSync(path, "a b c d ".repeat(times));
  return path;
}

function sparse(denseBelow: number): { text: string; plan: Plan } {
  const plan = { prefill: { method: "block-sparse", mass: 0.5, denseBelow } };
  return { text: JSON.stringify(plan), plan: parsePlan(plan) };
}

async function ask(files: string[], plan: string, ...more: string[]) {
  const args = ["ask", ...files, "Who?", "-m", model, "--max-tokens", "4", "--threads", "1", "--json", "--plan", plan];
  const { code, stdout, stderr } = await runCli([...args, ...more]);
  assert.equal(code, 0, stderr);
  return { ...JSON.parse(stdout), said: stderr.split("\n").filter((line) => line.includes("full attention")) };
}

function breakEvens(change: { threads?: number; machine?: string; version?: string } = {}): BreakEvens {
  return new BreakEvens(model, { threads: 1, version: version(), ...change });
}

test("ask below denseBelow: read as exact is, and from its cache; said in one line; --force-plan reads as asked and says nothing", async () => {
  const exact = await ask([book], "exact");
  assert.ok(exact.promptTokens > 512 && exact.promptTokens < 1024, `${exact.promptTokens} tokens`);
  assert.deepEqual([exact.cachedTokens, exact.said], [0, []]);
  const { text, plan } = sparse(1024);
  const short = await ask([book], text);
  assert.deepEqual(short.said, [
    "block-sparse leaves nothing out below 1,024 tokens: reading with full attention. --force-plan reads as asked.",
  ]);
  assert.deepEqual([short.plan, short.answer], [exact.plan, exact.answer]);
  assert.ok(short.cachedTokens > 512, `${short.cachedTokens} cached`);
  const forced = await ask([book], text, "--force-plan");
  assert.deepEqual([forced.plan, forced.cachedTokens, forced.said], [plan, 0, []]);
});

test("it goes by what was measured on this machine with as many threads, and by nothing else", () => {
  const { plan } = sparse(128);
  const planFor = (options = {}) =>
    new PromptPlans({ path: model }, { threads: 1, ...options }).planFor(plan, 700, { quiet: true });
  for (const elsewhere of [{ threads: 2 }, { machine: "another" }, { version: "0" }]) {
    breakEvens(elsewhere).store(plan, 5200);
    assert.deepEqual(planFor(), plan, JSON.stringify(elsewhere));
  }
  assert.deepEqual(planFor({ threads: 2 }), parsePlan({}));
  breakEvens().store(plan, 701);
  assert.deepEqual(planFor(), parsePlan({}));
  assert.deepEqual(planFor({ forcePlan: true }), plan);
  breakEvens().store(plan, 700);
  assert.deepEqual(planFor(), plan);
});

test("a reading is measured once, and anew with --force-plan; where it cannot be kept nothing breaks", () => {
  const { plan } = sparse(4096);
  const chunks = Array.from({ length: 18 }, (_, n) => {
    const [begin, end] = [n * 512, (n + 1) * 512];
    return { begin, end, seconds: 512 * (begin < 4096 ? 7e-3 + 0.6e-6 * (begin + 256) : 9.3e-3 + 0.15e-6 * begin) };
  });
  const remember = (options = {}) =>
    new PromptPlans({ path: model }, { threads: 1, ...options }).remember(plan, chunks);
  remember();
  const found = breakEvens().find(plan);
  assert.equal(found, breakEvenOf(chunks, 4096));
  assert.ok(found && found > 4096 && found < 8000, `${found}`);
  breakEvens().store(plan, 5200);
  remember();
  assert.equal(breakEvens().find(plan), 5200);
  remember({ forcePlan: true });
  assert.equal(breakEvens().find(plan), found);
  const home = process.env.LONGSPAN_HOME;
  process.env.LONGSPAN_HOME = book;
  remember();
  process.env.LONGSPAN_HOME = home;
});

test("ask with files that are read by themselves counts the longest, and says what was measured", async () => {
  const { text, plan } = sparse(128);
  const files = [book, textFile("other.txt", 70)];
  breakEvens().store(plan, 900);
  const { plan: read, promptTokens, said } = await ask(files, text, "--reuse", "epic");
  assert.ok(promptTokens > 900, `${promptTokens} tokens`);
  assert.deepEqual(read, parsePlan({}));
  assert.deepEqual(said, [
    "block-sparse would be no faster than full attention below 900 tokens on this machine: reading with full attention. --force-plan reads as asked.",
  ]);
});

test("chat says it once, of its documents; --force-plan does not", async () => {
  const args = ["chat", book, "-m", model, "--max-tokens", "4", "--plan", sparse(1024).text];
  const saidIn = (stderr: string) => stderr.match(/leaves nothing out below 1,024 tokens/g)?.length;
  const [plain, forced] = await Promise.all([
    runCli(args, { stdin: "Who?\nWhere?\n" }),
    runCli([...args, "--force-plan"], { stdin: "Who?\n" }),
  ]);
  assert.deepEqual([plain.code, saidIn(plain.stderr)], [0, 1], plain.stderr);
  assert.deepEqual([forced.code, saidIn(forced.stderr)], [0, undefined], forced.stderr);
});

test("a long ask is measured and kept, unless 8 are disturbed; plans check says what was measured for the default threads", async () => {
  const { text, plan } = sparse(3072);
  const long = [textFile("long.txt", 700)];
  for (let tries = 0; tries < 8 && breakEvens().find(plan) === undefined; tries++) await ask(long, text, "--no-cache");
  const found = breakEvens().find(plan);
  assert.ok(found !== undefined && found >= 3072, `${found}`);

  const threads = availableParallelism();
  breakEvens({ threads }).store(plan, 5200);
  const { stdout } = await runCli(["plans", "check", text, "--model", model, "--json"]);
  assert.equal(
    JSON.parse(stdout).notes.at(-1),
    `Measured on this machine (threads: ${threads}): prefill "block-sparse" is faster than full attention from 5,200 tokens on; shorter prompts are read with full attention, unless --force-plan is passed.`,
  );
  const { stdout: without } = await runCli(["plans", "check", sparse(3000).text, "--model", model, "--json"]);
  assert.doesNotMatch(without, /Measured/);
});
