// npm run check: format and lint, types, fast tests; then how large the code is, by folder and the ten largest files.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));

const steps = [
  ["format and lint", "node_modules/@biomejs/biome/bin/biome", "check"],
  ["types", "node_modules/typescript/bin/tsc", "--noEmit", "--incremental", "false"],
  ["fast tests", "scripts/test.js", "fast"],
];
const failed = steps.filter(([title, ...args]) => {
  console.log(`\n== ${title}`);
  return spawnSync(process.execPath, args, { stdio: "inherit" }).status !== 0;
});

console.log("\n== lines");
const files = ["bin", "src", "web", "kernels", "test", "scripts", "bench"].flatMap(sources);
const folders = new Map();
for (const { path, lines } of files) {
  const folder = path
    .split("/")
    .slice(0, path.startsWith("src/") ? 2 : 1)
    .join("/");
  const name = folder.endsWith(".ts") ? "src" : folder;
  folders.set(name, (folders.get(name) ?? 0) + lines);
}
const bySize = (a, b) => b[1] - a[1];
print([...folders].sort(bySize));
print([["total", files.reduce((sum, { lines }) => sum + lines, 0)]]);
console.log("\n== largest files");
print(
  files
    .map(({ path, lines }) => [path, lines])
    .sort(bySize)
    .slice(0, 10),
);

if (failed.length > 0) console.error(`\nfailed: ${failed.map(([title]) => title).join(", ")}`);
process.exit(failed.length > 0 ? 1 : 0);

function sources(root) {
  return readdirSync(root, { recursive: true })
    .map((name) => `${root}/${name.replaceAll("\\", "/")}`)
    .filter((path) => /\.[jt]sx?$/.test(path) && !path.includes("node_modules/"))
    .map((path) => ({ path, lines: readFileSync(path, "utf8").split("\n").length - 1 }));
}

function print(rows) {
  for (const [name, lines] of rows) console.log(`${String(lines).padStart(7)}  ${name}`);
}
