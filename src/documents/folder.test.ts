import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { walkFolder } from "./folder.ts";

const root = mkdtempSync(join(tmpdir(), "longspan-folder-"));
after(() => rmSync(root, { recursive: true }));

const files = [
  "a.txt",
  "a.log",
  "keep.log",
  "build/out.js",
  "sub/a.log",
  "sub/keep.tmp",
  "sub/x.tmp",
  "sub/build/in.js",
  "sub/deep/only.md",
  "sub/deep/er/only.md",
  "sub/deep/local/z.txt",
  "sub/local/z.txt",
  "odd [x]/skip.txt",
  "odd [x]/stay.txt",
  "odd [x]/#note",
  "odd x/skip.txt",
  "x/skip.txt",
];
const rules = {
  ".gitignore": "# comment\n*.log\n!keep.log\nbuild/\n\n",
  "sub/.gitignore": "*.tmp\r\n!keep.tmp\r\n!build/\r\n!a.log\r\n",
  "sub/deep/.gitignore": "/only.md\nlocal/\n",
  "odd [x]/.gitignore": "skip.txt\n\\#note\n",
};

test("walkFolder lists what git would add: nested .gitignore files, negation, anchors, odd folder names", async () => {
  const folder = join(root, "repository");
  write(folder, [...files, ".hidden", "node_modules/m/index.js", "sub/node_modules/m.js"], rules);
  execFileSync("git", ["init", "--quiet"], { cwd: folder });
  const fromGit = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: folder })
    .toString()
    .split("\0")
    .filter((path) => path !== "" && !/(^|\/)(\.|node_modules\/)/.test(path));
  assert.deepEqual(await walkFolder(folder, {}), fromGit);
  assert.deepEqual(fromGit, [
    "a.txt",
    "keep.log",
    "odd [x]/stay.txt",
    "odd x/skip.txt",
    "sub/a.log",
    "sub/build/in.js",
    "sub/deep/er/only.md",
    "sub/keep.tmp",
    "sub/local/z.txt",
    "x/skip.txt",
  ]);
});

test("rules of the repository around a folder hold in it, unless the folder itself is ignored", async () => {
  const folder = join(root, "around");
  write(folder, files, rules);
  mkdirSync(join(folder, ".git"));
  assert.deepEqual(await walkFolder(join(folder, "sub"), {}), [
    "a.log",
    "build/in.js",
    "deep/er/only.md",
    "keep.tmp",
    "local/z.txt",
  ]);
  assert.deepEqual(await walkFolder(join(folder, "build"), {}), ["out.js"]);
});

test("without a repository, .gitignore files above the folder do not count and those in it do", async () => {
  const folder = join(root, "bare");
  write(folder, files, rules);
  assert.deepEqual((await walkFolder(join(folder, "odd [x]"), {})).length, 1);
  assert.ok((await walkFolder(join(folder, "x"), {})).includes("skip.txt"));
});

test("lock files of package managers are left out and reported, files that are merely called so are not", async () => {
  const folder = join(root, "locks");
  const locks = ["Cargo.lock", "go.sum", "package-lock.json", "sub/pnpm-lock.yaml", "sub/poetry.lock", "sub/yarn.lock"];
  const others = ["checksum.sum", "lock.md", "sub/go.sum.txt", "sub/old-package-lock.json"];
  write(folder, [...locks, ...others], {});
  const skipped: string[] = [];
  const found = await walkFolder(folder, { onSkip: (path, reason) => skipped.push(`${path} ${reason}`) });
  assert.deepEqual(found, others);
  assert.deepEqual(
    skipped.sort(),
    locks.map((path) => `${join(folder, path)} is a lock file`),
  );
});

function write(folder: string, names: string[], contents: Record<string, string>): void {
  for (const [name, content] of [...names.map((name) => [name, "text"]), ...Object.entries(contents)]) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
}
