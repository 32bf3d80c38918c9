import assert from "node:assert/strict";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryFolder } from "../../../test/support/sessions.ts";
import { InputError } from "../../runtime/errors.ts";
import type { Backend, Generation, GenerationRequest, Haystack, Parts, RunInfo, Task } from "../types.ts";
import { openAnswerCache } from "./answer-cache.ts";
import { openLog, readRun } from "./log.ts";
import { type RunEvent, type RunOptions, runTasks } from "./runner.ts";

const haystack: Haystack = { name: "none", sha256: "0", license: "none", sentences: [], words: () => "", wordCount: 0 };

/** Asks for a number that stands in the context. */
function numberTask(id: string): Task {
  return {
    id,
    family: "numbers",
    version: 1,
    summary: "",
    source: "",
    license: "",
    cell: (cell) => (index) => {
      const number = String(cell.random(index).between(100_000, 999_999));
      const parts = { context: `The number is ${number}.`, question: " Which?", answerPrefix: " It is" };
      return { parts, references: [number], maxTokens: 4, needles: [{ start: 14, end: 20 }], depth: 0.5 };
    },
    score: (output, { references }) => ({ score: output.includes(references[0]) ? 1 : 0 }),
  };
}

/** Reads the number out of the prompt, as `answer` may have it otherwise. */
function reader(answer: (request: GenerationRequest, calls: number) => Generation | Promise<Generation> = right) {
  const prompts: string[] = [];
  const backend: Backend = {
    name: "reader",
    fingerprint: "reader",
    mode: "raw",
    contextLength: 1000,
    concurrency: 3,
    sharesPrefixes: false,
    promptTokens: ({ context, question }: Parts) => `${context}${question}`.split(" ").length,
    countTokens: (text) => text.split(" ").length,
    async generate(request) {
      prompts.push(request.parts.context);
      return answer(request, prompts.length);
    },
    dispose: async () => {},
  };
  return { backend, prompts };
}

function right({ parts }: GenerationRequest): Generation {
  const text = ` ${/\d+/.exec(parts.context)}`;
  return { text, finish: "stop", usage: { promptTokens: 6, cachedTokens: 0, outputTokens: 2, seconds: 0.01 } };
}

const info: RunInfo = {
  version: 1,
  id: "test",
  startedAt: "2026-01-01T00:00:00Z",
  longspan: "0",
  backend: { name: "reader", fingerprint: "reader", contextLength: 1000 },
  mode: "raw",
  seed: 1,
  tasks: [],
  lengths: [],
  samples: {},
  haystack,
  machine: { cpu: "", cores: 1, memoryBytes: 1, node: "" },
};

interface Given extends Partial<RunOptions> {
  folder?: string;
  resume?: boolean;
}

async function runWith(backend: Backend, { folder = temporaryFolder(), resume = false, ...options }: Given = {}) {
  const events: RunEvent[] = [];
  const log = openLog(folder, info, { resume });
  const [result] = await runTasks({
    lanes: [{ backend, log }],
    tasks: [numberTask("one"), numberTask("two")],
    lengths: [20, 40],
    samples: () => 5,
    source: { seed: 1, haystack, files: new Map() },
    onEvent: (event) => events.push(event),
    ...options,
  }).finally(log.close);
  return { ...result, folder, events };
}

const identify = (rows: readonly { task: string; length: number; index: number }[]) =>
  rows.map(({ task, length, index }) => `${task}/${length}/${index}`).sort();

test("two backends go through the same samples side by side, each into its own log; what one has already is asked of the other alone", async () => {
  const asked: string[] = [];
  const named = (name: string): Backend => ({
    ...reader().backend,
    ...{ fingerprint: name, concurrency: 1 },
    async generate(request) {
      asked.push(`${name} ${request.parts.context}`);
      return right(request);
    },
  });
  const folders = [temporaryFolder(), temporaryFolder()];
  async function run(tasks: readonly Task[]) {
    asked.length = 0;
    const logs = folders.map((folder) => openLog(folder, info, { resume: true }));
    const lanes = ["a", "b"].map((name, i) => ({ backend: named(name), log: logs[i] }));
    const source = { seed: 1, haystack, files: new Map<string, string>() };
    const results = await runTasks({ lanes, tasks, lengths: [20], samples: () => 2, source });
    for (const log of logs) log.close();
    return results;
  }
  const one = numberTask("one");
  const [a, b] = await run([one]);
  assert.deepEqual(asked.map((call) => call[0]).join(""), "abab");
  assert.deepEqual(identify(a.rows), identify(b.rows));
  assert.notEqual(a.rows[0].key, b.rows[0].key);
  writeFileSync(join(folders[1], "results.jsonl"), "");
  const again = await run([one]);
  assert.deepEqual(asked.map((call) => call[0]).join(""), "bb");
  assert.deepEqual(
    again.map(({ rows }) => rows.length),
    [2, 2],
  );
});

test("every sample of every task and length gets one row, with its needle's surroundings, in the log as in the result", async () => {
  const { rows, folder } = await runWith(reader().backend);
  assert.equal(new Set(identify(rows)).size, 20);
  assert.ok(rows.every((row) => row.score === 1));
  const [excerpt] = rows[0].evidence;
  assert.deepEqual([excerpt.before, excerpt.needle, excerpt.after], ["The number is ", rows[0].references[0], "."]);
  const logged = readRun(folder).rows;
  assert.deepEqual(identify(logged), identify(rows));
});

test("prompts do not depend on concurrency, the number of samples, or the other tasks", async () => {
  const prompts = (rows: readonly { promptHash: string; index: number; task: string; length: number }[]) =>
    new Map(rows.map((row) => [identify([row])[0], row.promptHash]));
  const all = prompts((await runWith(reader().backend)).rows);
  const few = prompts(
    (
      await runWith(
        { ...reader().backend, concurrency: 1 },
        { tasks: [numberTask("two")], lengths: [40], samples: () => 2 },
      )
    ).rows,
  );
  assert.equal(few.size, 2);
  for (const [id, hash] of few) assert.equal(all.get(id), hash);
});

test("a broken last line is cut off, and --resume answers only what is missing", async () => {
  const { folder } = await runWith(reader().backend);
  const path = join(folder, "results.jsonl");
  const lines = readFileSync(path, "utf8").split("\n");
  writeFileSync(path, `${lines.slice(0, 13).join("\n")}\n${lines[13].slice(0, 50)}`);
  const again = reader();
  const { rows } = await runWith(again.backend, { folder, resume: true });
  assert.equal(again.prompts.length, 7);
  assert.equal(new Set(identify(rows)).size, 20);
  assert.equal(readRun(folder).rows.length, 20);
});

test("a folder with a run is not written over, and not resumed with another seed", async () => {
  const { folder } = await runWith(reader().backend);
  await assert.rejects(runWith(reader().backend, { folder }), /holds a run already\. Pass --resume/);
  assert.throws(
    () => openLog(folder, { ...info, seed: 2 }, { resume: true }),
    (error) => error instanceof InputError && /expected the seed .* \(1\), got another \(2\)/.test(error.message),
  );
  appendFileSync(join(folder, "results.jsonl"), "no JSON\n");
  assert.throws(() => readRun(folder), /line 21: expected JSON/);
});

test("a later start may add lengths and samples, and run.json then says so", async () => {
  const { folder } = await runWith(reader().backend);
  openLog(folder, { ...info, lengths: [80], samples: { 80: 9 } }, { resume: true }).close();
  const { lengths, samples, startedAt } = readRun(folder).info;
  assert.deepEqual([lengths, samples, startedAt], [[80], { 80: 9 }, info.startedAt]);
});

test("answers of an earlier run come from the cache; cut prompts are neither cached nor lost", async () => {
  const cache = openAnswerCache(temporaryFolder());
  const cut = (request: GenerationRequest, calls: number): Generation => ({
    ...right(request),
    truncated: calls === 1,
  });
  const first = await runWith(reader(cut).backend, { cache });
  assert.equal(first.rows.filter(({ truncated }) => truncated).length, 1);
  const second = reader();
  const { rows } = await runWith(second.backend, { cache });
  assert.equal(second.prompts.length, 1);
  assert.equal(rows.filter(({ fromCache }) => fromCache).length, 19);
  const other = reader();
  await runWith({ ...other.backend, fingerprint: "another model" }, { cache });
  assert.equal(other.prompts.length, 20);
});

test("a sample that fails is counted and left for --resume; bad input ends the run", async () => {
  const sometimes = (request: GenerationRequest, calls: number) => {
    if (calls === 3) throw new Error("connection lost");
    return right(request);
  };
  const { rows, failed, folder, events } = await runWith(reader(sometimes).backend);
  assert.deepEqual([rows.length, failed], [19, 1]);
  assert.ok(events.some((event) => event.type === "failed" && event.error.message === "connection lost"));
  assert.equal((await runWith(reader().backend, { folder, resume: true })).rows.length, 20);
  const refuse = () => {
    throw new InputError("endpoint: no such model");
  };
  await assert.rejects(runWith(reader(refuse).backend), /no such model/);
});

test("a task that does not fit a length is left out with its reason", async () => {
  const tooLong: Task = {
    ...numberTask("long"),
    cell: (cell) => {
      if (cell.length < 40) throw new InputError("length: expected at least 40 tokens, got 20.");
      return numberTask("long").cell(cell);
    },
  };
  const { rows, skipped, events } = await runWith(reader().backend, { tasks: [tooLong] });
  assert.deepEqual([rows.length, skipped], [5, 5]);
  assert.ok(events.some((event) => event.type === "skipped" && event.length === 20));
});

test("an abort rejects, and what was answered stays in the log", async () => {
  const controller = new AbortController();
  const abortAtSeven = (request: GenerationRequest, calls: number) => {
    if (calls === 7) controller.abort(new Error("enough"));
    request.signal?.throwIfAborted();
    return right(request);
  };
  const folder = temporaryFolder();
  await assert.rejects(runWith(reader(abortAtSeven).backend, { folder, signal: controller.signal }), /enough/);
  assert.ok(readRun(folder).rows.length >= 4);
});
