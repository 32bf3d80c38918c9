/** The package as npm would publish it: what is in it, and that it works in an empty folder. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { test } from "node:test";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { loadTiny, temporaryFolder, textOf } from "../support/sessions.ts";
import { writeTinyModel } from "../support/tiny-model.ts";

const folder = temporaryFolder();
const manifest = JSON.parse(readFileSync("package.json", "utf8"));
const packed = pack();
install();

/** What is built already, as it is: this test is part of a build that runs. */
function pack(): { filename: string; files: { path: string }[]; unpackedSize: number } {
  const output = run("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", folder]);
  return JSON.parse(output)[0];
}

/**
 * As `npm install TARBALL`, but without the network: that needs a registry or a filled cache, and a test must not depend on
 * either. The dependencies are those of the checkout, which the package finds through links beside it.
 */
function install(): void {
  const modules = join(folder, "node_modules");
  mkdirSync(join(modules, "longspan"), { recursive: true });
  mkdirSync(join(modules, ".bin"));
  run("tar", ["-xzf", join(folder, packed.filename), "--strip-components=1", "-C", join(modules, "longspan")]);
  for (const name of Object.keys(manifest.dependencies)) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(resolve("node_modules", name), join(modules, name), "junction");
  }
  symlinkSync(join("..", "longspan", manifest.bin.longspan), join(modules, ".bin", "longspan"));
  writeFile("package.json", '{ "type": "module" }');
}

/** What it prints; it must not fail. */
function run(command: string, args: string[], cwd = "."): string {
  // npm is a script on Windows, which only a shell starts.
  const shell = process.platform === "win32" && command === "npm";
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: "utf8", shell });
  assert.equal(status, 0, `${command} ${args.join(" ")}: ${error ?? ""}${stderr}${stdout}`);
  return stdout;
}

function writeFile(name: string, content: string): string {
  writeFileSync(join(folder, name), content);
  return name;
}

function filesIn(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: "utf8", withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).replaceAll("\\", "/"));
}

test("npm pack has the program, its types, kernels, data and haystacks, one of each source, and nothing else; less than 3.6 MB", () => {
  const modules = readdirSync("src", { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !/\.(test|reference|d)\.ts$/.test(name))
    .map((name) => `dist/src/${name.replaceAll("\\", "/").slice(0, -".ts".length)}`);
  const expected = [
    ...["LICENSE", "README.md", "package.json", "bin/longspan.js"],
    ...["build/kernels-relaxed.wasm", "build/kernels-simd.wasm"],
    ...["build/haystacks/moby-dick.txt.gz", "build/haystacks/speeches.txt.gz"],
    ...["THIRD_PARTY.md", ...filesIn("data"), ...filesIn("build/web")],
    ...modules.flatMap((module) => [`${module}.js`, `${module}.d.ts`]),
  ];
  const paths = packed.files.map(({ path }) => path);
  const missing = expected.filter((path) => !paths.includes(path));
  const extra = paths.filter((path) => !expected.includes(path));
  assert.deepEqual({ missing, extra }, { missing: [], extra: [] });
  assert.ok(packed.unpackedSize < 3.6e6, `${packed.unpackedSize} bytes`);
});

test("publint has nothing to say about the package, not even a suggestion", async () => {
  const pkgDir = join(folder, "node_modules", "longspan");
  const { messages, pkg } = await publint({ pkgDir, pack: false, strict: true });
  assert.deepEqual(
    messages.map((message) => formatMessage(message, pkg)),
    [],
  );
});

test("the installed command prints its help and the package's version", () => {
  const command = join("node_modules", ".bin", "longspan");
  assert.match(run(process.execPath, [command, "--help"], folder), /^Usage: longspan/);
  assert.equal(run(process.execPath, [command, "--version"], folder), `${manifest.version}\n`);
});

test("the example at the top of src/index.ts runs in the folder, and writes what the checkout writes", async () => {
  const model = await writeTinyModel("llama-f32");
  const example = [...readFileSync("src/index.ts", "utf8").matchAll(/^ \* {3}(.*)$/gm)].map(([, line]) => line);
  assert.ok(example.length > 3 && example[0].includes('"model.gguf"'), example.join("\n"));
  const lines = ['import { load } from "longspan";', ...example]
    .join("\n")
    .replace('"model.gguf"', JSON.stringify(model));
  const written = run(process.execPath, [writeFile("example.js", lines)], folder);

  const engine = await loadTiny("llama-f32");
  const session = await engine.session();
  await session.prefill(engine.tokenizer.encode("Once upon a time"));
  const expected = await textOf(session, { maxTokens: 50 });
  await engine.dispose();
  assert.ok(expected.length > 30);
  assert.equal(written, expected);
});

test("a consumer in strict TypeScript compiles against the package's types, and a misspelt option does not", () => {
  const consumer = `
    import { type Engine, type GeneratedToken, InputError, load, type Plan, parsePlan, renderChat } from "longspan";

    export async function answer(path: string, question: string): Promise<string> {
      const engine: Engine = await load(path, { threads: 1, onProgress: (done: number) => void done.toFixed() });
      const plan: Plan = parsePlan({ cache: { format: "f32" } });
      const session = await engine.session({ plan });
      const tokenIds: Int32Array = renderChat(engine.tokenizer, [{ role: "user", content: question }]);
      await session.prefill(tokenIds, { signal: AbortSignal.timeout(1000) });
      const tokens: GeneratedToken[] = [];
      for await (const token of session.generate({ maxTokens: 5, stop: ["."] })) tokens.push(token);
      // @ts-expect-error
      session.generate({ maxToken: 5 });
      await engine.dispose();
      return tokens.map(({ text }) => text).join("");
    }
    export const isExpected = (error: unknown): boolean => error instanceof InputError;`;
  const compiler = resolve("node_modules/typescript/bin/tsc");
  const options = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2023", "--types", ""];
  run(process.execPath, [compiler, ...options, writeFile("consumer.ts", consumer)], folder);
});
