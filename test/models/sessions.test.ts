/** Sessions of a real model: at the same time, cancelled, beside a busy event loop, and gone. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { load, type Session } from "../../src/index.ts";
import { modelPath } from "../support/models.ts";
import { planWith, randomIds, temporaryFolder, textOf } from "../support/sessions.ts";

const path = await modelPath("smollm2-135m");
const engine = await load(path);
after(() => engine.dispose());

const beginnings = [
  "The history of the lighthouse begins in the year 1810, when",
  "To bake a loaf of bread at home, you first need flour, water,",
];

async function begin(text: string): Promise<Session> {
  const session = await engine.session({ prefillChunk: 8 });
  await session.prefill(engine.tokenizer.encode(text));
  return session;
}

async function write(text: string): Promise<string> {
  const session = await begin(text);
  const written = await textOf(session, { maxTokens: 40 });
  await session.dispose();
  return written;
}

test("two sessions at once write what each writes alone", async () => {
  const alone = [await write(beginnings[0]), await write(beginnings[1])];
  assert.ok(alone.every((text) => text.length > 60) && alone[0] !== alone[1]);
  assert.deepEqual(await Promise.all(beginnings.map(write)), alone);
});

test("cancelling in the middle of 4,000 tokens rejects with AbortError before another chunk is done, and the session goes on from there", async () => {
  const tokenIds = randomIds(engine, 4000, 1);
  const session = await engine.session();
  const stop = new AbortController();
  let chunks = 0;
  const reading = session.prefill(tokenIds, { signal: stop.signal, onProgress: () => chunks++ });
  // In the middle of the second chunk.
  while (chunks === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  const seen = chunks;
  stop.abort();
  await assert.rejects(reading, { name: "AbortError" });
  assert.ok(chunks <= seen + 1, `${chunks - seen} chunks after the abort`);
  assert.equal(session.length, 512 * chunks);

  await session.prefill(tokenIds.slice(session.length, 1500));
  const whole = await engine.session();
  await whole.prefill(tokenIds.slice(0, 1500));
  assert.equal(await textOf(session, { maxTokens: 10 }), await textOf(whole, { maxTokens: 10 }));
  await Promise.all([session.dispose(), whole.dispose()]);
});

test("the event loop of the calling thread is never blocked for more than 20 ms while 4,000 tokens are read", async () => {
  const tokenIds = randomIds(engine, 4000, 2);
  let best = Number.POSITIVE_INFINITY;
  // The best of three: the workers keep every core busy, so the system may take the calling thread off its core.
  for (let run = 0; run < 3 && best > 20; run++) {
    const session = await engine.session({ plan: planWith("q8") });
    best = Math.min(best, await longestBlock(session.prefill(tokenIds)));
    assert.equal(session.length, 4000);
    await session.dispose();
  }
  assert.ok(best <= 20, `blocked for ${best} ms`);
});

/** The longest time in ms between two turns of the event loop until `work` is done. */
async function longestBlock(work: Promise<void>): Promise<number> {
  let done = false;
  const finished = work.finally(() => {
    done = true;
  });
  let longest = 0;
  let turns = 0;
  for (let last = performance.now(); !done; turns++) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    const now = performance.now();
    longest = Math.max(longest, now - last - 1);
    last = now;
  }
  await finished;
  assert.ok(turns > 100, "too few turns to tell");
  return longest;
}

test("a process ends by itself once its engine is disposed", async () => {
  const library = new URL("../../src/index.js", import.meta.url);
  const file = join(temporaryFolder(), "program.mjs");
  const program = `
    import { load } from ${JSON.stringify(library.href)};
    const engine = await load(${JSON.stringify(path)});
    const session = await engine.session();
    await session.prefill([1, 2, 3]);
    await engine.dispose();
    console.log("disposed");`;
  writeFileSync(file, program);
  const child = spawn(process.execPath, [file]);
  let output = "";
  let errors = "";
  child.stdout.on("data", (data) => {
    output += data;
  });
  child.stderr.on("data", (data) => {
    errors += data;
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), 20_000);
  const code = await new Promise((resolve) => child.on("close", resolve));
  clearTimeout(timer);
  assert.equal(code, 0, errors);
  assert.equal(output, "disposed\n");
});
