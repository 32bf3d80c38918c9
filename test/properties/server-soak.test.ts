/** 1,000 random requests: answers, cancels, disconnects, restarts, a full disk. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type BlockStore, DiskBlockStore, defaultPlan, parsePlan } from "../../src/index.ts";
import { createApp } from "../../src/server/app.ts";
import { listen } from "../../src/server/serve.ts";
import { random as seeded } from "../support/random.ts";
import { loadTiny, temporaryFolder, textOf } from "../support/sessions.ts";

const engine = await loadTiny("qwen2-q8_0");
/** Answers what the server should have answered, by itself. */
const judge = await loadTiny("qwen2-q8_0");
after(() => Promise.all([engine.dispose(), judge.dispose()]));

const REQUESTS = 1000;
const AT_ONCE = 10;
const RESTARTS = 5;

const random = seeded(7);
const below = (n: number) => Math.floor(random() * n);
const pick = <T>(list: readonly T[]): T => list[below(list.length)];

const words = "sea wind letter keeper harbour lamp storm gull tide rope sail mast".split(" ");
const textOfWords = (count: number) => Array.from({ length: count }, () => pick(words)).join(" ");
const beginnings = Array.from({ length: 5 }, (_, i) => textOfWords(16 + 8 * i));
const prompts = Array.from({ length: 40 }, () => `${pick(beginnings)} ${textOfWords(1 + below(12))}`);
const plans = [
  undefined,
  undefined,
  { cache: { format: "q4" } },
  { cache: { score: "snapkv", budget: 96, window: 16 } },
];

interface Wanted {
  readonly prompt: string;
  readonly plan?: object;
  readonly maxTokens: number;
}

const known = new Map<string, Promise<string>>();
function expected({ prompt, plan, maxTokens }: Wanted): Promise<string> {
  const key = JSON.stringify([prompt, plan, maxTokens]);
  const write = async () => {
    const session = await judge.session({ plan: plan ? parsePlan(plan) : defaultPlan });
    await session.prefill(judge.tokenizer.encode(prompt));
    const text = await textOf(session, { maxTokens });
    await session.dispose();
    return text;
  };
  const text = known.get(key) ?? write();
  known.set(key, text);
  return text;
}

/** A store whose disk is full at times. */
const disk = new DiskBlockStore(temporaryFolder(), { maxBytes: 3 << 20 });
let isFull = false;
const store: BlockStore = {
  get: (key) => disk.get(key),
  put: (key, payload, about) =>
    isFull
      ? Promise.reject(Object.assign(new Error("no space left on device"), { code: "ENOSPC" }))
      : disk.put(key, payload, about),
};

const failures: unknown[] = [];
async function start() {
  const server = createApp({
    ...{ engine, name: "tiny", version: "0", plan: defaultPlan, store, cacheBytes: 2 << 20, maxRequests: 64 },
    onError: (error) => failures.push(error),
  });
  return listen(server, { host: "127.0.0.1", port: 0 });
}

/** Text of all chunks; the body is given up after `most` of them. */
async function streamed(response: Response, most: number): Promise<string | undefined> {
  let text = "";
  let rest = "";
  let chunks = 0;
  const decoder = new TextDecoder();
  for await (const bytes of response.body as unknown as AsyncIterable<Uint8Array>) {
    const blocks = (rest + decoder.decode(bytes, { stream: true })).split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      if (!block.startsWith("data: {")) continue;
      const data = JSON.parse(block.slice(6));
      assert.ok(!data.error, block);
      text += data.choices[0]?.text ?? "";
      if (++chunks >= most) return undefined;
    }
  }
  return text;
}

type Outcome = "answered" | "broken off";

async function request(url: string): Promise<Outcome> {
  const wanted: Wanted = { prompt: pick(prompts), plan: pick(plans), maxTokens: 1 + below(8) };
  const kind = pick(["whole", "whole", "stream", "stream", "stream given up", "disconnect"] as const);
  const [given, delayMs] = [1 + below(3), below(30)];
  const abort = new AbortController();
  if (kind === "disconnect") setTimeout(() => abort.abort(), delayMs);
  const body = {
    ...{ prompt: wanted.prompt, max_tokens: wanted.maxTokens, temperature: 0, long_context: wanted.plan },
    stream: kind.startsWith("stream"),
  };
  try {
    const response = await fetch(`${url}/v1/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.any([abort.signal, AbortSignal.timeout(30_000)]),
    });
    assert.equal(response.status, 200);
    const text = body.stream
      ? await streamed(response, kind === "stream given up" ? given : Number.POSITIVE_INFINITY)
      : (await response.json()).choices[0].text;
    if (text === undefined) return "broken off";
    assert.equal(text, await expected(wanted), JSON.stringify(wanted));
    return "answered";
  } catch (error) {
    if (abort.signal.aborted) return "broken off";
    throw error;
  }
}

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

async function heapBytes(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    await delay(20);
    collectGarbage();
  }
  return process.memoryUsage().heapUsed;
}

test("1,000 random requests with cancels, disconnects, restarts and a full disk: no wrong answer, no hang, all pages given back, heap within 8 MB", async () => {
  const before = await engine.memory();
  const outcomes: Outcome[] = [];
  const heaps: number[] = [];
  for (let run = 0; run < RESTARTS; run++) {
    const { url, stop } = await start();
    for (let done = 0; done < REQUESTS / RESTARTS; done += AT_ONCE) {
      isFull = below(4) === 0;
      outcomes.push(...(await Promise.all(Array.from({ length: AT_ONCE }, () => request(url)))));
    }
    await stop();
    heaps.push(await heapBytes());
    assert.equal((await engine.memory()).cacheBytes, before.cacheBytes, `pages after run ${run}`);
  }
  assert.equal(outcomes.length, REQUESTS);
  const answered = outcomes.filter((outcome) => outcome === "answered").length;
  assert.ok(answered > REQUESTS / 2 && answered < REQUESTS, `${answered} answered`);
  assert.deepEqual(failures, []);
  assert.ok(heaps[RESTARTS - 1] - heaps[1] < 8 << 20, `heap after each run: ${heaps}`);
});
