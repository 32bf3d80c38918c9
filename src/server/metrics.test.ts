import assert from "node:assert/strict";
import { after, test } from "node:test";
import { ask, tinyServer } from "../../test/clients/tiny-server.ts";

const tiny = await tinyServer();
const { server } = tiny;
after(() => tiny.close());

/** Values by name and, of histograms, `le`. */
async function metrics(): Promise<Map<string, number>> {
  const text = (await ask(server, "GET /metrics")).body as string;
  const found = new Map<string, number>();
  for (const line of text.trimEnd().split("\n")) {
    if (/^# (HELP|TYPE) longspan:\w+ ./.test(line)) continue;
    const [, name, labels, value] = /^longspan:(\w+)\{(.*)\} (\S+)$/.exec(line) ?? assert.fail(line);
    const which = /(le|finished_reason)="([^"]+)"/.exec(labels)?.[2];
    found.set(which === undefined ? name : `${name} ${which}`, Number(value));
  }
  return found;
}

const prompt = "the sand and the wind, on and on, another shore in the west; ".repeat(6);
const asked = { prompt, max_tokens: 9, temperature: 0, ignore_eos: true };

test("tokens, cache hits, latencies and how requests ended are counted as they are", async () => {
  const before = await metrics();
  const usages = [];
  for (let i = 0; i < 2; i++) {
    const { body } = await ask(server, "POST /v1/completions", asked);
    usages.push((body as { usage: Record<string, number> }).usage);
  }
  const now = await metrics();
  const grown = (name: string) => (now.get(name) ?? 0) - (before.get(name) ?? 0);
  const [{ prompt_tokens: tokens }] = usages;
  assert.deepEqual([grown("prompt_tokens_total"), grown("prefix_cache_queries_total")], [2 * tokens, 2 * tokens]);
  assert.deepEqual([grown("prompt_tokens_cached_total"), grown("prefix_cache_hits_total")], [tokens, tokens]);
  assert.equal(grown("generation_tokens_total"), 18);
  assert.equal(grown("request_success_total length"), 2);
  for (const name of ["time_to_first_token_seconds", "e2e_request_latency_seconds"])
    assert.deepEqual([grown(`${name}_count`), grown(`${name}_bucket +Inf`)], [2, 2], name);
  // A character may take several tokens, of which the last one has the text.
  const between = grown("inter_token_latency_seconds_count");
  assert.ok(between > 0 && between <= 16, `${between}`);
  assert.ok(grown("inter_token_latency_seconds_sum") <= grown("e2e_request_latency_seconds_sum"));
  const usage = (now.get("kv_cache_bytes") ?? 0) / tiny.options.cacheBytes;
  assert.equal(now.get("kv_cache_usage_perc"), usage);
  assert.ok(usage > 0 && usage < 1);
});

test("a request waits until its first chunk was read, and runs then; in the end there is neither", async () => {
  const long = "a lighthouse keeper writes a letter every evening; ".repeat(30);
  const asking = ask(server, "POST /v1/completions", { ...asked, prompt: long, max_tokens: 60 });
  const seen = new Set<string>();
  let isOver = false;
  void asking.finally(() => {
    isOver = true;
  });
  while (!isOver) {
    const { running, waiting } = server.metrics;
    seen.add(`${running - waiting} ${waiting}`);
    await new Promise((done) => setTimeout(done, 1));
  }
  assert.equal((await asking).status, 200);
  assert.ok(seen.has("0 1") && seen.has("1 0"), [...seen].join(", "));
  const now = await metrics();
  assert.deepEqual([now.get("num_requests_running"), now.get("num_requests_waiting")], [0, 0]);
});
