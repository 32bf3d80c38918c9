import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

const home = mkdtempSync(join(tmpdir(), "longspan-models-"));
process.once("exit", () => rmSync(home, { recursive: true, force: true }));
const folder = join(home, "models");
const smollm = join(folder, "SmolLM2-135M-Instruct.Q4_1.gguf");

const main = new URL(import.meta.url.replace("commands/models.test.", "main.")).href;

/** The command line as a process of its own. */
function longspan(...args: string[]) {
  const program = `import { main } from ${JSON.stringify(main)}; process.exit(await main(process.argv.slice(1)));`;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--input-type=module", "-e", program, "models", ...args],
    { encoding: "utf8", env: { ...process.env, LONGSPAN_HOME: home, NO_COLOR: "1" } },
  );
  return { status, stdout, stderr };
}

/** What it prints; it must not fail or complain. */
function run(...args: string[]): string {
  const { status, stdout, stderr } = longspan(...args);
  assert.deepEqual({ status, stderr }, { status: 0, stderr: "" });
  return stdout;
}

/** As large as the catalogue says, without its content (a sparse file). */
function pretendToHaveSmollm() {
  mkdirSync(folder, { recursive: true });
  writeFileSync(smollm, "GGUF");
  truncateSync(smollm, 98_362_432);
}

test("list shows every model in aligned columns, the default, what is here and where", () => {
  pretendToHaveSmollm();
  const lines = run().split("\n");
  assert.equal(lines[0], "name                              size  context  kind  here  license      languages");
  assert.equal(lines[1], "smollm2-135m                     98 MB    8,192  chat  yes   Apache-2.0   English");
  assert.equal(
    lines[2],
    "qwen2.5-coder-0.5b (default)    491 MB   32,768  chat  no    Apache-2.0   English, Chinese, code",
  );
  assert.match(lines[4], /^gemma3-270m .* no {4}Gemma terms {2}English and others$/);
  assert.ok(lines.includes(`Models are kept in ${folder}`));
});

test("list --json is one array with checksum, path and state, hub files included", () => {
  pretendToHaveSmollm();
  mkdirSync(join(folder, "hf", "owner", "repository"), { recursive: true });
  writeFileSync(join(folder, "hf", "owner", "repository", "tiny.gguf"), "GGUF");
  const models = JSON.parse(run("list", "--json"));
  assert.deepEqual(
    models.map(({ name, isDownloaded, isDefault }: Record<string, unknown>) => [name, isDownloaded, isDefault]),
    [
      ["smollm2-135m", true, false],
      ["qwen2.5-coder-0.5b", false, true],
      ["qwen2.5-coder-1.5b", false, false],
      ["gemma3-270m", false, false],
      ["hf:owner/repository/tiny.gguf", true, undefined],
    ],
  );
  assert.equal(models[0].path, smollm);
  assert.equal(models[0].sha256, "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53");
});

test("pull leaves what is here alone, path prints where it lies, rm removes it", () => {
  pretendToHaveSmollm();
  assert.equal(run("pull", "smollm2-135m"), `smollm2-135m is already here: ${smollm}\n`);
  assert.deepEqual(JSON.parse(run("pull", "smollm2-135m", "--json")), [
    { name: "smollm2-135m", path: smollm, bytes: 98_362_432 },
  ]);
  assert.equal(run("path", "smollm2-135m"), `${smollm}\n`);
  assert.equal(run("rm", "smollm2-135m"), "removed smollm2-135m, 98 MB\n");
  assert.equal(run("rm", "smollm2-135m"), "smollm2-135m was not on this machine\n");
  const { status, stdout, stderr } = longspan("path", "smollm2-135m");
  assert.deepEqual([status, stdout], [2, ""]);
  assert.match(stderr, /not on this machine\. Get it with: longspan models pull smollm2-135m\n$/);
});

test("a mistyped command or name, and a file of the user's, are refused with exit code 2 and what to do", () => {
  const mine = join(home, "mine.gguf");
  writeFileSync(mine, "GGUF");
  for (const [args, message] of [
    [["lst"], /expected list, pull, path, rm, show or calibrate, got "lst"\. Run `longspan models --help`/],
    [["pull", "smollm2-135m", "gema3-270m"], /Did you mean "gemma3-270m"\?/],
    [["rm", mine], /expected a name or hf:.*, got the path .*--model\.$/m],
    [["pull", mine], /got the path/],
  ] as const) {
    const { status, stderr } = longspan(...args);
    assert.match(stderr, message);
    assert.equal(status, 2);
  }
});
