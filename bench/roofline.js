// Where time goes while a text is read and written after: every kernel's share of the run, its operations or bytes a second, and how
// near that is to what this machine can do at most (bench/peaks.js). docs/ROOFLINE.md says how to read it. Nothing else should run.
//   node bench/roofline.js [--model qwen2.5-coder-0.5b] [--lengths 2k,8k,32k] [--plan JSON] [--decode-tokens 16] [--json]
//     [--out docs/data/roofline.json] [--markdown docs/ROOFLINE.md] [--from docs/data/roofline.json]
// Text: Moby-Dick; a length is that of prompt and written tokens together. --markdown fills the page between its marks, --from with
// what --out has written before.
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { gunzipSync } from "node:zlib";
import { measurePeaks } from "./peaks.js";

const root = new URL("..", import.meta.url);
const { load, parsePlan } = await import(new URL("dist/src/index.js", root).href);
const { resolveModel } = await import(new URL("dist/src/hub/resolve.js", root).href);
const { progressBar } = await import(new URL("dist/src/cli/progress.js", root).href);

const MARKS = ["<!-- roofline -->", "<!-- /roofline -->"];
/** Kernels that take less of reading and of writing share a row. */
const LEAST_SHARE = 0.01;
/** Tokens that are read and written before anything is measured, so that all code is compiled. */
const WARM_UP = { tokens: 512, written: 4 };

const { values } = parseArgs({
  options: {
    model: { type: "string", default: "qwen2.5-coder-0.5b" },
    lengths: { type: "string", default: "2k,8k,32k" },
    plan: { type: "string", default: "{}" },
    "decode-tokens": { type: "string", default: "16" },
    out: { type: "string" },
    markdown: { type: "string" },
    from: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const decodeTokens = wholeNumber("--decode-tokens", values["decode-tokens"]);
const lengths = values.lengths.split(",").map((text) => wholeNumber("--lengths", text, decodeTokens + 2));
const plan = parsePlan(JSON.parse(values.plan));

const report = values.from ? JSON.parse(readFileSync(values.from, "utf8")) : await measureAll();
if (values.out) writeFileSync(values.out, `${JSON.stringify(report, null, 1)}\n`);
if (values.markdown) writeFileSync(values.markdown, filled(values.markdown, markdownOf(report)));
if (values.json) console.log(JSON.stringify(report));
else {
  console.log(`${headline(report)}\n${peakLine(report)}`);
  for (const result of report.results) console.log(`\n${titleOf(result)}\n${aligned(tableOf(result))}`);
}

async function measureAll() {
  const busy = loadavg()[0];
  if (busy > 0.5)
    console.error(
      `Something ran on this machine in the last minute (load ${busy.toFixed(1)}). If it still does, the figures will be off.`,
    );
  const engine = await load(await resolveModel(values.model), { profile: true });
  const text = gunzipSync(readFileSync(new URL("build/haystacks/moby-dick.txt.gz", root))).toString("utf8");
  const ids = engine.tokenizer.encode(text.slice(0, 6 * Math.max(WARM_UP.tokens, ...lengths)));
  console.error("measuring what the machine can do");
  const peaks = await measurePeaks(engine.threads);
  const measured = { engine, ids, peaks };
  await measure(measured, WARM_UP.tokens, WARM_UP.written);
  const results = [];
  for (const length of lengths) results.push(await measure(measured, length - decodeTokens, decodeTokens));
  await engine.dispose();
  const { model, threads } = engine;
  const machine = { cpu: cpus()[0].model, node: process.versions.node, threads, load: busy };
  return { model: model.name, plan: JSON.parse(values.plan), ...machine, peaks, results };
}

/** Reads and writes so many tokens in a session of their own. */
async function measure({ engine, ids, peaks }, tokens, written) {
  const profiled = (count, work) => profile({ engine, peaks }, count, work);
  const session = await engine.session({ plan });
  const bar = progressBar(process.stderr, { label: `reading ${tokens}`, total: tokens, unit: "tokens" });
  const reading = await profiled(tokens, () =>
    session.prefill(ids.slice(0, tokens), { onProgress: (done) => bar.update(done) }),
  );
  bar.finish();
  const writing = await profiled(written, async () => {
    for await (const _ of session.generate({ maxTokens: written, ignoreEnd: true }));
  });
  await session.dispose();
  return { reading, writing };
}

async function profile({ engine, peaks }, tokens, work) {
  await engine.profile({ reset: true });
  const started = performance.now();
  await work();
  const rows = await engine.profile({ reset: true });
  const seconds = (performance.now() - started) / 1000;
  const elsewhere = seconds - rows.reduce((sum, row) => sum + row.seconds, 0);
  const all = [...rows, { kernel: "outside the controller", calls: 0, seconds: elsewhere }];
  return { tokens, seconds, rows: all.map((row) => judged(row, seconds, peaks)) };
}

/** What a row takes of the run and, if its work is known, the least time that the work needs on this machine. */
function judged(row, runSeconds, peaks) {
  const share = row.seconds / runSeconds;
  if (!row.operations) return { ...row, share };
  const kinds = Object.entries(row.operations);
  const operations = kinds.reduce((sum, [, count]) => sum + count, 0);
  const computeSeconds = kinds.reduce((sum, [kind, count]) => sum + count / peaks.operations[kind], 0);
  const memorySeconds = row.bytes / peaks.bytes;
  const leastSeconds = Math.max(computeSeconds, memorySeconds);
  return {
    ...row,
    share,
    operationsPerSecond: operations / row.seconds,
    bytesPerSecond: row.bytes / row.seconds,
    bound: computeSeconds >= memorySeconds ? "compute" : "memory",
    roofOperationsPerSecond: operations / leastSeconds,
    shareOfRoof: leastSeconds / row.seconds,
  };
}

/** Titles, then a line of cells for every kernel that matters: reading, then writing. */
function tableOf({ reading, writing }) {
  const figures = ["GOP/s", "roof", "of roof", "bound"];
  const titles = ["kernel", "read: share", ...figures, "write: share", "GB/s", ...figures];
  const rowsOf = ({ rows }) => new Map(rows.map((row) => [row.kernel, row]));
  const [read, written] = [rowsOf(reading), rowsOf(writing)];
  const kernels = [...new Set([...read.keys(), ...written.keys()])];
  const shareOf = (rows, kernel) => rows.get(kernel)?.share ?? 0;
  const isSmall = (kernel) => Math.max(shareOf(read, kernel), shareOf(written, kernel)) < LEAST_SHARE;
  const lines = kernels
    .filter((kernel) => !isSmall(kernel))
    .sort((a, b) => shareOf(read, b) - shareOf(read, a))
    .map((kernel) => [kernel, ...cellsOf(read.get(kernel)), ...cellsOf(written.get(kernel), true)]);
  const small = kernels.filter(isSmall);
  const sum = (rows) => ({ share: small.reduce((all, kernel) => all + shareOf(rows, kernel), 0) });
  const others = [`${small.length} others`, ...cellsOf(sum(read)), ...cellsOf(sum(written), true)];
  return [titles, ...lines, ...(small.length > 0 ? [others] : [])];
}

function cellsOf(row, withBytes = false) {
  if (!row) return Array(withBytes ? 6 : 5).fill("");
  const { share, bytesPerSecond, operationsPerSecond, roofOperationsPerSecond, shareOfRoof, bound } = row;
  const work = bound
    ? [giga(operationsPerSecond), giga(roofOperationsPerSecond), percent(shareOfRoof), bound]
    : ["", "", "", ""];
  return [percent(share), ...(withBytes ? [bound ? giga(bytesPerSecond) : ""] : []), ...work];
}

/** Words begin on the left, all else ends on the right. */
function aligned(lines) {
  const widths = lines[0].map((_, i) => Math.max(...lines.map((cells) => cells[i].length)));
  const cell = (text, i) => (i === 0 ? text.padEnd(widths[i]) : text.padStart(widths[i]));
  return lines.map((cells) => cells.map(cell).join("  ").trimEnd()).join("\n");
}

function titleOf({ reading, writing }) {
  const rate = ({ tokens, seconds }) =>
    `${tokens.toLocaleString("en-US")} tokens in ${seconds.toFixed(2)} s (${(tokens / seconds).toFixed(1)} tokens/s)`;
  return `read ${rate(reading)}, wrote ${rate(writing)}`;
}

function headline({ model, plan, cpu, node, threads, load }) {
  return `${model}, plan \`${JSON.stringify(plan)}\`, ${cpu}, ${threads} threads, Node ${node}, load in the minute before ${load.toFixed(1)}.`;
}

function peakLine({ peaks: { operations, bytes } }) {
  const kinds = Object.entries(operations).map(([kind, rate]) => `${kind} ${giga(rate)}`);
  return `At most: ${kinds.join(", ")} GOP/s; ${giga(bytes)} GB/s from memory.`;
}

function markdownOf(report) {
  const tables = report.results.map((result) => {
    const [titles, ...rows] = tableOf(result);
    const sides = titles.map((_, i) => (i === 0 ? "---" : "---:"));
    const lines = [titles, sides, ...rows].map((cells) => `| ${cells.join(" | ")} |`);
    return `**${titleOf(result)}**\n\n${lines.join("\n")}`;
  });
  return [`${headline(report)}\n${peakLine(report)}`, ...tables].join("\n\n");
}

function filled(path, content) {
  const page = readFileSync(path, "utf8");
  const [start, end] = MARKS.map((mark) => page.indexOf(mark));
  if (start < 0 || end < start)
    fail(`${path}: expected the lines ${MARKS.join(" and ")}, got none. Put them where the tables belong.`);
  return `${page.slice(0, start + MARKS[0].length)}\n\n${content}\n\n${page.slice(end)}`;
}

function giga(rate) {
  return (rate / 1e9).toPrecision(3);
}

function percent(share) {
  return `${(100 * share).toFixed(1)} %`;
}

function wholeNumber(option, text, least = 1) {
  const [, digits, thousands] = /^(\d+)(k?)$/i.exec(text) ?? [];
  const number = Number(digits) * (thousands ? 1024 : 1);
  if (!(number >= least))
    fail(`${option}: expected whole numbers of at least ${least}, such as 512 or 2k, got "${text}".`);
  return number;
}

function fail(message) {
  console.error(message);
  process.exit(2);
}
