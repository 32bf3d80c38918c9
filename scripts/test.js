// npm test: sets itself up (packages, build, models), then runs the fast tests and the tests with real models.
//   node scripts/test.js [fast|models] [name filter]
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
const [only, filter = ""] = process.argv.slice(2);

function run(command, args) {
  const { status } = spawnSync(command, args, { stdio: "inherit" });
  return status ?? 1;
}

if (!existsSync("node_modules/typescript")) {
  if (run("npm", ["ci"]) !== 0) process.exit(1);
} else if (run(process.execPath, ["scripts/build.js"]) !== 0) process.exit(1);

const tests = readdirSync("dist", { recursive: true })
  .map((name) => `dist/${name.replaceAll("\\", "/")}`)
  .filter((name) => name.endsWith(".test.js") && name.includes(filter) && existsSync(sourceOf(name)))
  .sort();
const needsModel = (name) => name.startsWith("dist/test/models/");
const chosen = tests.filter((name) =>
  only === "fast" ? !needsModel(name) : only === "models" ? needsModel(name) : true,
);
if (chosen.length === 0) {
  console.error(`no test file matches "${filter}"`);
  process.exit(1);
}

if (chosen.some(needsModel)) {
  const { testModels } = await import("../dist/test/support/models.js");
  for (const model of testModels)
    if (run(process.execPath, ["bin/longspan.js", "models", "pull", model]) !== 0) process.exit(1);
}
// One file at a time: the tests with models use every core themselves, and timings stay meaningful.
process.exit(run(process.execPath, ["--test", "--test-concurrency=1", "--test-reporter=spec", ...chosen]));

function sourceOf(name) {
  return name.replace(/^dist\//, "").replace(/\.js$/, ".ts");
}
