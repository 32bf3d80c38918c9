// Installs node-llama-cpp into this folder, and makes the copy of it that knows no processor newer than Haswell.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const VERSION = "3.22";
const here = fileURLToPath(new URL(".", import.meta.url));
const packageName = "node-llama-cpp";
const prebuilt = `@node-llama-cpp/${prebuiltName()}`;

/** Backends beyond AVX2: with AVX-512 or VNNI. llama.cpp loads the best one that it finds and the processor can run. */
const NEWER_THAN_HASWELL =
  /libggml-cpu-(alderlake|cannonlake|cascadelake|cooperlake|icelake|sapphirerapids|skylakex|zen4)\./;

/** URL to import node-llama-cpp from. `cpu` is "auto" or "haswell". */
export function installLlama(cpu) {
  if (!existsSync(join(here, "node_modules", packageName))) install();
  const folder = cpu === "haswell" ? haswellCopy() : here;
  return pathToFileURL(join(folder, "node_modules", packageName, "dist/index.js")).href;
}

export function llamaVersion() {
  const read = (path) => JSON.parse(readFileSync(join(here, "node_modules", packageName, path), "utf8"));
  return `node-llama-cpp ${read("package.json").version}, llama.cpp ${read("llama/binariesGithubRelease.json").release}`;
}

/** Only the backend of this machine: with every optional package (CUDA, Vulkan) it would be 700 MB. */
function install() {
  console.error(`Installing node-llama-cpp ${VERSION} in bench/peers (100 MB).`);
  const flags = ["--ignore-scripts", "--omit=optional", "--no-save", "--no-package-lock", "--no-fund", "--no-audit"];
  const { status } = spawnSync("npm", ["install", ...flags, `${packageName}@${VERSION}`, `${prebuilt}@${VERSION}`], {
    cwd: here,
    stdio: ["ignore", "inherit", "inherit"],
    shell: process.platform === "win32",
  });
  if (status !== 0) throw new Error("bench:peers: npm could not install node-llama-cpp, see above.");
}

/** The other dependencies are found one folder up, where Node looks next. */
function haswellCopy() {
  const copy = join(here, "haswell");
  const binaries = join(copy, "node_modules", prebuilt);
  if (!existsSync(binaries)) {
    if (!readdirSync(join(here, "node_modules", prebuilt, "bins", prebuiltName())).some((name) => /haswell/.test(name)))
      throw new Error(`bench:peers: ${prebuilt} has no haswell backend. Use --llama-cpu auto.`);
    rmSync(copy, { recursive: true, force: true });
    for (const name of [packageName, prebuilt])
      cpSync(join(here, "node_modules", name), join(copy, "node_modules", name), {
        recursive: true,
        filter: (path) => !NEWER_THAN_HASWELL.test(path),
      });
  }
  return copy;
}

function prebuiltName() {
  if (process.platform === "darwin") return process.arch === "arm64" ? "mac-arm64-metal" : "mac-x64";
  return `${process.platform === "win32" ? "win" : "linux"}-${process.arch}`;
}
