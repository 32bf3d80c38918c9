import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { takeLock } from "./lock.ts";

const folder = mkdtempSync(join(tmpdir(), "longspan-lock-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
const path = join(folder, "model.gguf.lock");

test("of five that want the lock one has it at a time, each gets it, and nothing is left behind", async () => {
  let holders = 0;
  let turns = 0;
  const notices: string[] = [];
  const turn = async () => {
    const lock = await takeLock(path, { onNotice: (message) => notices.push(message) });
    assert.equal(++holders, 1);
    await new Promise((done) => setTimeout(done, 5));
    holders--;
    turns++;
    await lock.release();
  };
  await Promise.all(Array.from({ length: 5 }, turn));
  assert.equal(turns, 5);
  assert.equal(notices.length, 4);
  assert.deepEqual(readdirSync(folder), []);
});

test("the lock of a process that is gone is taken at once, that of a running one is waited for", async () => {
  const gone = spawnSync(process.execPath, ["-e", ""]).pid;
  writeFileSync(path, `${gone} ${hostname()} x`);
  await (await takeLock(path, {})).release();

  writeFileSync(path, `${process.ppid} ${hostname()} x`);
  const controller = new AbortController();
  const waiting = takeLock(path, { signal: controller.signal });
  setTimeout(() => controller.abort(new Error("enough")), 50);
  await assert.rejects(waiting, /enough/);
  assert.equal(readFileSync(path, "utf8"), `${process.ppid} ${hostname()} x`);
});

test("a lock of another machine is respected while it is touched and taken after 30 s of silence", async () => {
  writeFileSync(path, "1 another-machine x");
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error("enough")), 50);
  await assert.rejects(takeLock(path, { signal: controller.signal }), /enough/);

  const old = new Date(Date.now() - 31_000);
  utimesSync(path, old, old);
  const lock = await takeLock(path, {});
  await lock.release();
  assert.equal(existsSync(path), false);
});

test("a lock that somebody else has taken meanwhile is not released by its earlier owner", async () => {
  const lock = await takeLock(path, {});
  writeFileSync(path, "1 another-machine x");
  await lock.release();
  assert.equal(readFileSync(path, "utf8"), "1 another-machine x");
});
