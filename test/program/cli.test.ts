/** The command line as a process: help, exit codes and messages of everything that is refused before weights are read. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { runCli } from "../support/cli.ts";
import { encodeGguf } from "../support/gguf-writer.ts";
import { tinyModel } from "../support/tiny-model.ts";

const folder = mkdtempSync(join(tmpdir(), "longspan-cli-"));
const model = fileWith("tiny.gguf", encodeGguf(tinyModel("qwen2", { contextLength: 512 })));
const book = fileWith("book.txt", "Call me Ishmael.\n");
const empty = fileWith("empty.txt", "");
const plain = fileWith("plain.gguf", "This is text, not a model.");
const long = fileWith("long.txt", "word ".repeat(1000));
const ids = fileWith("ids.json", "[1,2,3]");

function fileWith(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

test("--version prints the package's version, --help every command, each command's --help examples", async () => {
  const { version } = JSON.parse(readFileSync("package.json", "utf8"));
  assert.deepEqual(await runCli(["--version"]), { code: 0, stdout: `${version}\n`, stderr: "" });
  const help = await runCli(["--help"]);
  assert.deepEqual(await runCli([]), help);
  for (const command of ["ask", "chat", "models", "tokenize", "logits", "bench"]) {
    assert.match(help.stdout, new RegExp(`^  ${command} `, "m"));
    const own = await runCli([command, "--help"]);
    assert.equal(own.code, 0);
    assert.match(own.stdout, new RegExp(`Examples:\\n.*longspan ${command}`, "s"));
  }
});

test("bin/longspan.js runs from another folder", () => {
  const script = join(process.cwd(), "bin/longspan.js");
  const { status, stdout } = spawnSync(process.execPath, [script, "--help"], { cwd: folder, encoding: "utf8" });
  assert.equal(status, 0);
  assert.match(stdout, /^Usage: longspan/);
});

const tooMany = availableParallelism() + 1;
const refused: [title: string, args: string[], code: number, message: RegExp][] = [
  ["an unknown command", ["aks"], 2, /unknown command 'aks'\. Did you mean ask\? Run `longspan --help`/],
  ["an unknown option", ["ask", "--thread", "1"], 2, /unknown option '--thread'\. Did you mean --threads\?/],
  ["a missing argument", ["tokenize", model], 2, /missing required argument 'file'\. Run `longspan tokenize --help`/],
  [
    "an argument too many",
    ["tokenize", model, book, "x"],
    2,
    /Expected 2 arguments but got 3\. Run `longspan tokenize/,
  ],
  [
    "a chunk too long",
    ["logits", model, "--tokens", ids, "--out", "o", "--chunk", "513"],
    2,
    /from 1 to 512, got "513"/,
  ],
  ["a missing option", ["logits", model], 2, /required option '--tokens <file>'/],
  ["ask without paths", ["ask", "Who?"], 2, /expected paths and then a question, got only "Who\?"/],
  ["ask with an empty question", ["ask", book, " "], 2, /got an empty question/],
  ["a document that is missing", ["ask", "none.txt", "Who?"], 2, /none\.txt: no such file/],
  ["a document that is empty", ["ask", empty, "Who?"], 2, /empty\.txt: /],
  ["a model that is missing", ["ask", book, "Who?", "-m", "none.gguf"], 2, /"none\.gguf": no such file/],
  ["a model that is a text file", ["ask", book, "Who?", "-m", plain], 2, /plain\.gguf: expected a GGUF file/],
  ["an unknown model name", ["tokenize", "smollm", book], 2, /model "smollm": expected a name/],
  ["an unknown plan key", ["ask", book, "Who?", "--plan", '{"cash":1}'], 2, /plan: .*"cash"/],
  ["a plan file that is missing", ["bench", model, "--plan", "p.json"], 2, /--plan: .*"p\.json": no such file/],
  ["a number of threads that is none", ["bench", model, "-t", "two"], 2, /--threads: expected a whole number/],
  [
    "more threads than cores",
    ["bench", model, "-t", `${tooMany}`],
    2,
    new RegExp(`at most ${tooMany - 1} .*${tooMany}`),
  ],
  ["a length of zero", ["bench", model, "--prompt-tokens", "512,0"], 2, /--prompt-tokens: .*got "0"/],
  [
    "ids that are missing",
    ["logits", model, "--tokens", "x.json", "--out", "o"],
    2,
    /--tokens: .*"x\.json": no such file/,
  ],
  ["ids that are no JSON", ["logits", model, "--tokens", book, "--out", "o"], 2, /book\.txt: expected JSON/],
  [
    "an output folder that is missing",
    ["logits", model, "--tokens", ids, "--out", join(folder, "none/o")],
    2,
    /its folder does not exist/,
  ],
  ["chat about standard input", ["chat", "-"], 2, /chat: expected files, got "-"/],
  [
    "a document longer than the context",
    ["ask", long, "Who?", "-m", model],
    3,
    /[\d,]{5} tokens and room for 512 more, the model's context is 512\. Give a shorter text/,
  ],
  [
    "an answer that leaves the context",
    ["ask", book, "Who?", "-m", model],
    3,
    /\d+ tokens and room for 512 more, the model's context is 512\. Pass --max-tokens \d+ or less/,
  ],
  ["a chat longer than the context", ["chat", long, "-m", model], 3, /the model's context is 512/],
  ["a bench longer than the context", ["bench", model, "--prompt-tokens", "500"], 3, /500 tokens and room for 32 more/],
];
for (const [title, args, expected, message] of refused)
  test(`${title}: exit code ${expected}, one message on stderr, nothing on stdout`, async () => {
    const before = readdirSync(folder);
    const { code, stdout, stderr } = await runCli(args);
    assert.match(stderr, message);
    assert.match(stderr, /^longspan: .*\n$/s);
    assert.deepEqual({ code, stdout }, { code: expected, stdout: "" });
    assert.deepEqual(readdirSync(folder), before);
  });

test("nothing on standard input is an empty document", async () => {
  const { code, stderr } = await runCli(["ask", "-", "Who?"]);
  assert.equal(code, 2);
  assert.match(stderr, /standard input/);
});

test("tokenize prints the ids of exactly the file's text, as JSON or a line each", async () => {
  const text = fileWith("crlf.txt", "\ufeffa\r\n<|im_end|>");
  const { code, stdout } = await runCli(["tokenize", model, text, "--json"]);
  assert.equal(code, 0);
  // The byte-order mark's 3 bytes, "a", CR, LF, and the control token spelled out, with "en" as one token.
  assert.equal(JSON.parse(stdout).length, 3 + 3 + 9);
  const lines = await runCli(["tokenize", model, "-"], { stdin: "a\n" });
  assert.deepEqual(lines.stdout.split("\n").length, 3);
  assert.match(lines.stdout, / "a"\n.* "\\n"\n$/);
  assert.match(lines.stderr, /^2 tokens, 2 characters\n$/);
});

test("a file that is not UTF-8 is refused by tokenize", async () => {
  const { code, stderr } = await runCli(["tokenize", model, fileWith("latin1.txt", Uint8Array.of(0x61, 0xe9, 0x20))]);
  assert.equal(code, 2);
  assert.match(stderr, /latin1\.txt: expected UTF-8 text/);
});

test("NO_COLOR and pipes get no escape sequences, FORCE_COLOR colours the message", async () => {
  const color = "\u001b[";
  assert.ok(!(await runCli(["aks"])).stderr.includes(color));
  assert.ok(!(await runCli(["aks"], { env: { NO_COLOR: "1" } })).stderr.includes(color));
  assert.ok((await runCli(["aks"], { env: { FORCE_COLOR: "1", NO_COLOR: undefined } })).stderr.includes(color));
});

test("a reader that leaves early ends the command quietly", async () => {
  const many = fileWith("many.txt", "a b c d e f g h ".repeat(50_000));
  const { code, stderr } = await runCli(["tokenize", model, many], { closeStdoutAfter: 100 });
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
});
