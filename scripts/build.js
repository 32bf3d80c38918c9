// Builds everything: kernels (AssemblyScript, with and without relaxed SIMD), haystacks and the web page into build/, TypeScript into dist/.
// Run by `npm ci` through `prepare`, also where --omit=dev has left the compilers out.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { buildWeb } from "./build-web.js";
import { buildHaystacks } from "./haystacks.js";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
const targets = ["relaxed", "simd"];

if (!existsSync("node_modules/assemblyscript") || !existsSync("node_modules/typescript")) {
  const isBuilt = existsSync("dist/src/index.js") && targets.every((target) => existsSync(binaryOf(target)));
  console.log(
    isBuilt
      ? "build: the compilers are not installed (--omit=dev); what is built stays as it is."
      : "build: the compilers are not installed (--omit=dev), and nothing is built. Run `npm ci`, then `npm prune --omit=dev`.",
  );
  process.exit(0);
}

const newest = Math.max(
  ...readdirSync("kernels").map((name) => statSync(`kernels/${name}`).mtimeMs),
  statSync("asconfig.json").mtimeMs,
);
mkdirSync("build", { recursive: true });
for (const target of targets) {
  const output = binaryOf(target);
  if (existsSync(output) && statSync(output).mtimeMs > newest) continue;
  run("node_modules/assemblyscript/bin/asc.js", "kernels/index.ts", "--config", "asconfig.json", "--target", target);
}
buildHaystacks();
await buildWeb();
run("node_modules/typescript/bin/tsc");

// What tsc wrote for a source that is gone would still be tested, and packed.
for (const name of readdirSync("dist", { recursive: true })) {
  const source = name.replace(/(\.d\.ts|\.js)$/, ".ts");
  if (source !== name && !existsSync(source)) rmSync(`dist/${name}`);
}

function binaryOf(target) {
  return `build/kernels-${target}.wasm`;
}

function run(file, ...args) {
  const { status } = spawnSync(process.execPath, [file, ...args], { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
