// Keeps a server busy and watches its memory: node bench/soak.js [--model smollm2-135m] [--minutes 10] [--at-once 4] [--cache-mb 256]
// Mixed load: questions about a few texts of 300 to 3,000 tokens, whole and as streams, some given up on the way, embeddings,
// held to a schema, under a plan that drops. Every half minute: requests so far, memory of the process, pages in use.
// Memory is flat if the greatest of the last third is at most a tenth above the greatest of the second.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    model: { type: "string", default: "smollm2-135m" },
    minutes: { type: "string", default: "10" },
    "at-once": { type: "string", default: "4" },
    "cache-mb": { type: "string", default: "256" },
  },
});
const minutes = Number(values.minutes);
const atOnce = Number(values["at-once"]);
if (!(minutes > 0) || !(atOnce >= 1)) throw new Error("soak: expected numbers for --minutes and --at-once");

const longspan = fileURLToPath(new URL("../bin/longspan.js", import.meta.url));
const server = spawn(
  process.execPath,
  [longspan, "serve", "-m", values.model, "--port", "0", "--cache-mb", values["cache-mb"], "--no-cache"],
  { stdio: ["ignore", "inherit", "pipe"] },
);
const url = await new Promise((resolve, reject) => {
  let said = "";
  server.stderr.setEncoding("utf8").on("data", (text) => {
    said += text;
    const [, address] = /(http:\S+) in a browser/.exec(said) ?? [];
    if (address) resolve(address);
  });
  server.once("exit", () => reject(new Error(`soak: the server ended:\n${said}`)));
});

let state = 1;
const below = (n) => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * n);
};
const words = "sea wind letter keeper harbour lamp storm gull tide rope sail mast".split(" ");
const textOf = (count) => Array.from({ length: count }, () => words[below(words.length)]).join(" ");
const texts = Array.from({ length: 12 }, (_, i) => textOf(250 * (1 + (i % 10))));
const schema = { type: "object", properties: { place: { type: "string", maxLength: 20 } }, required: ["place"] };

const kinds = {
  whole: () => chat({}),
  stream: () => chat({ stream: true }),
  "given up": () => chat({ stream: true }, 1 + below(5)),
  dropping: () => chat({ long_context: { cache: { score: "snapkv", budget: 256 } } }),
  schema: () => chat({ response_format: { type: "json_schema", json_schema: { name: "place", schema } } }),
  embedding: () => post("/v1/embeddings", { input: texts[below(3)] }),
};
const counts = Object.fromEntries(Object.keys(kinds).map((kind) => [kind, 0]));

async function post(path, body, mostChunks = Number.POSITIVE_INFINITY) {
  const abort = new AbortController();
  const headers = { "content-type": "application/json" };
  const response = await fetch(url + path, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
    signal: abort.signal,
  });
  if (!response.ok) throw new Error(`soak: ${path}: ${response.status} ${await response.text()}`);
  let chunks = 0;
  for await (const _ of response.body) if (++chunks >= mostChunks) break;
}

function chat(changes, mostChunks) {
  const content = `${texts[below(texts.length)]}\nQuestion ${below(50)}: which word comes last?`;
  const body = { messages: [{ role: "user", content }], max_tokens: 4 + below(24), temperature: 0.7, ...changes };
  return post("/v1/chat/completions", body, mostChunks);
}

const start = Date.now();
const isOver = () => Date.now() - start > minutes * 60_000;
async function lane() {
  while (!isOver()) {
    const kind = Object.keys(kinds)[below(Object.keys(kinds).length)];
    await kinds[kind]();
    counts[kind]++;
  }
}

const seen = [];
async function look() {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  const pages = Number(/^longspan:kv_cache_bytes(?:\{[^}]*\})? (\S+)/m.exec(metrics)?.[1]);
  const rss = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, "utf8"))?.[1]) / 1024;
  const requests = Object.values(counts).reduce((sum, count) => sum + count, 0);
  seen.push({
    seconds: Math.round((Date.now() - start) / 1000),
    requests,
    rssMb: Math.round(rss),
    pagesMb: Math.round(pages / 2 ** 20),
  });
  const { seconds, rssMb, pagesMb } = seen.at(-1);
  console.log(`${seconds} s  ${requests} requests  ${rssMb} MB in all, ${pagesMb} MB of pages`);
}
const watch = setInterval(() => look().catch(() => {}), Math.min(30_000, minutes * 2000));
try {
  await Promise.all(Array.from({ length: atOnce }, lane));
  clearInterval(watch);
  await look();
} finally {
  clearInterval(watch);
  server.removeAllListeners("exit");
  server.kill("SIGTERM");
}
const third = Math.floor(seen.length / 3);
const greatest = (part) => Math.max(...part.map(({ rssMb }) => rssMb));
const [before, after] = [greatest(seen.slice(third, 2 * third)), greatest(seen.slice(2 * third))];
console.log(JSON.stringify({ model: values.model, minutes, counts, before, after, seen }));
if (after > before * 1.1) {
  console.error(`soak: memory grew from ${before} to ${after} MB`);
  process.exit(1);
}
