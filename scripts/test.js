// npm test: sets itself up (packages, build, models), then runs the fast tests, the thorough ones, and those with real models.
//   node scripts/test.js [fast|thorough|models] [part of a file's path]
// fast: beside the sources, and directly in test/, but for those of engine, server and command line, or that open one. thorough: these.
// models: real weights.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { fileURLToPath } from "node:url";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));

/** Tests that use every core themselves run one file at a time. A file that takes longer than its timeout hangs. */
const groups = {
  fast: { title: "fast tests", concurrency: 2, timeout: 60_000, has: isFast },
  thorough: {
    title: "thorough tests",
    concurrency: 2,
    timeout: 180_000,
    has: (file) => !isFast(file) && !needsModel(file),
  },
  models: { title: "model tests", concurrency: 1, timeout: 1_200_000, has: needsModel },
};

const args = process.argv.slice(2);
const only = Object.hasOwn(groups, args[0]) ? args.shift() : undefined;
const [filter = ""] = args;

if (!existsSync("node_modules/typescript")) runOrExit("npm", "ci");
else runOrExit(process.execPath, "scripts/build.js");

const files = readdirSync("dist", { recursive: true })
  .map((name) => `dist/${name.replaceAll("\\", "/")}`)
  .filter((name) => name.endsWith(".test.js") && name.includes(filter))
  .sort();
const chosen = Object.entries(only ? { [only]: groups[only] } : groups)
  .map(([name, { title, has, ...options }]) => ({ name, title, options: { ...options, files: files.filter(has) } }))
  .filter(({ options }) => options.files.length > 0);
if (chosen.length === 0) fail(`test: expected part of a test file's path, got "${filter}". Correct it.`);

if (chosen.some(({ name }) => name === "models")) {
  const { testModels } = await import("../dist/test/support/models.js");
  for (const model of testModels) runOrExit(process.execPath, "bin/longspan.js", "models", "pull", model);
}
Readable.from(events()).compose(new spec()).pipe(process.stdout);

/** Both groups as one run: what node would count at the end of each comes once, for all. */
async function* events() {
  const totals = { tests: 0, suites: 0, pass: 0, fail: 0, cancelled: 0, skipped: 0, todo: 0, duration_ms: 0 };
  for (const { title, options } of chosen) {
    const started = performance.now();
    for await (const event of run(options)) {
      if (event.type === "test:fail") process.exitCode = 1;
      const [label, count] = event.type === "test:diagnostic" ? event.data.message.split(" ") : [];
      if (label in totals) totals[label] += Number(count);
      else yield event;
    }
    yield note(`${title} took ${((performance.now() - started) / 1000).toFixed(1)} s`);
  }
  for (const [label, count] of Object.entries(totals)) yield note(`${label} ${count}`);
}

function note(message) {
  return { type: "test:diagnostic", data: { nesting: 0, message } };
}

function isFast(file) {
  if (file.startsWith("dist/src/")) return !/^dist\/src\/(cli|engine|server)\//.test(file) && !opensEngine(file);
  return /^dist\/test\/(support\/)?[^/]+$/.test(file);
}

function opensEngine(file) {
  return /from "[^"]*(support\/sessions|engine\/load)\.js"/.test(readFileSync(file, "utf8"));
}

function needsModel(file) {
  return file.startsWith("dist/test/models/");
}

function runOrExit(command, ...args) {
  // npm is a script on Windows, which only a shell starts.
  const shell = process.platform === "win32" && command === "npm";
  const { status } = spawnSync(command, args, { stdio: "inherit", shell });
  if (status !== 0) process.exit(status ?? 1);
}

function fail(text) {
  console.error(text);
  process.exit(2);
}
