/** The folder tree is the architecture: imports point down only, files stay small, the core knows no host. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";

/** Folder -> level. A folder may import its own level only where listed in `siblings`. */
const levels: Record<string, number> = {
  runtime: 0,
  ops: 1,
  formats: 0.5,
  model: 2,
  context: 2,
  tokenizer: 2,
  engine: 3,
  hub: 3,
  documents: 3,
  platform: 3.5,
  conformance: 3.6,
  "index.ts": 3.7,
  server: 4,
  eval: 4,
  train: 4,
  cli: 5,
};
const coreFolders = ["runtime", "ops", "formats", "model", "context", "tokenizer", "engine"];
const sources = listFiles("src").filter((path) => path.endsWith(".ts"));

test("imports point down: no folder imports one of its own level or above", () => {
  const wrong: string[] = [];
  for (const path of sources) {
    const from = folderOf(path);
    assert.ok(from in levels, `${path}: folder "${from}" has no level in test/architecture.test.ts`);
    for (const target of localImports(path)) {
      const to = folderOf(target);
      if (to === from || target === "src/platform/platform.ts") continue;
      if (levels[to] >= levels[from])
        wrong.push(`${path} imports ${target}: ${from} (${levels[from]}) may not import ${to} (${levels[to]})`);
    }
  }
  assert.deepEqual(wrong, []);
});

test("core folders do not import node: modules", () => {
  const wrong = sources.filter(
    (path) =>
      coreFolders.includes(folderOf(path)) &&
      !path.endsWith(".test.ts") &&
      /from "node:/.test(readFileSync(path, "utf8")),
  );
  assert.deepEqual(wrong, []);
});

test("no source file is longer than 400 lines and the median is at most 100", () => {
  const lengths = [...sources, ...listFiles("kernels").filter((path) => path.endsWith(".ts"))].map((path) => ({
    path,
    lines: readFileSync(path, "utf8").split("\n").length - 1,
  }));
  assert.deepEqual(
    lengths.filter(({ lines }) => lines > 400),
    [],
  );
  const sorted = lengths.map(({ lines }) => lines).sort((a, b) => a - b);
  assert.ok(sorted[sorted.length >> 1] <= 100, `median is ${sorted[sorted.length >> 1]}`);
});

function listFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => join(folder, name));
}

function folderOf(path: string): string {
  return relative("src", path).split("/")[0];
}

function localImports(path: string): string[] {
  return [...readFileSync(path, "utf8").matchAll(/(?:from|import\() ?"(\.[^"]+)"/g)].map(([, target]) =>
    join(dirname(path), target),
  );
}
