// Builds the web page into build/web: checks its types, then bundles it. Skipped while nothing under web/ has changed.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const output = "build/web";

/** Runs in the root of the repository. Without its tools (--omit=dev) what is there stays as it is. */
export async function buildWeb() {
  if (!existsSync("node_modules/vite") || !existsSync("node_modules/preact") || isCurrent()) return;
  const { status } = spawnSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "web"], {
    stdio: "inherit",
  });
  if (status !== 0) process.exit(status ?? 1);
  const { build } = await import("vite");
  await build({
    ...{ root: resolve("web"), base: "./", configFile: false, logLevel: "warn" },
    build: {
      ...{ outDir: resolve(output), emptyOutDir: true, target: "es2022", assetsInlineLimit: 0 },
      modulePreload: { polyfill: false },
    },
    oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  });
}

function isCurrent() {
  const page = `${output}/index.html`;
  if (!existsSync(page)) return false;
  const sources = readdirSync("web", { recursive: true }).map((name) => `web/${name}`);
  const newest = Math.max(...[...sources, "scripts/build-web.js"].map((path) => statSync(path).mtimeMs));
  return statSync(page).mtimeMs > newest;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.chdir(fileURLToPath(new URL("..", import.meta.url)));
  await buildWeb();
}
