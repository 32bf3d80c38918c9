// Builds everything: kernels (AssemblyScript, with and without relaxed SIMD) into build/, TypeScript into dist/.
// Run by `npm ci` through `prepare`; skips quietly when the compilers were left out (npm ci --omit=dev of a published build).
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
process.chdir(root);
if (!existsSync("node_modules/assemblyscript") || !existsSync("node_modules/typescript")) {
  console.log("build: compilers are not installed (--omit=dev), nothing to do");
  process.exit(0);
}

const run = (file, ...args) => {
  const { status } = spawnSync(process.execPath, [file, ...args], { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
};

const newest = Math.max(
  ...readdirSync("kernels").map((name) => statSync(`kernels/${name}`).mtimeMs),
  statSync("asconfig.json").mtimeMs,
);
mkdirSync("build", { recursive: true });
for (const target of ["relaxed", "simd"]) {
  const output = `build/kernels-${target}.wasm`;
  if (existsSync(output) && statSync(output).mtimeMs > newest) continue;
  run("node_modules/assemblyscript/bin/asc.js", "kernels/index.ts", "--config", "asconfig.json", "--target", target);
}
run("node_modules/typescript/bin/tsc");
