import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mock, test } from "node:test";
import { CapacityError, InputError } from "../runtime/errors.ts";
import { expectFreeSpace, PartFile } from "./part-file.ts";

const folder = mkdtempSync(join(tmpdir(), "longspan-part-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));

test("a part goes on where it was left, starts over on demand, and an empty one leaves no file", async () => {
  const path = join(folder, "a.part");
  let part = await PartFile.open(path);
  await part.append(Buffer.from("first "));
  await part.close();

  part = await PartFile.open(path);
  assert.equal(part.length, 6);
  await part.append(Buffer.from("second"));
  await part.close();
  assert.equal(readFileSync(path, "utf8"), "first second");

  part = await PartFile.open(path);
  await part.startOver();
  await part.close();
  assert.equal(existsSync(path), false);
});

test("a full disk is a CapacityError, keeps what was written, and the next attempt goes on from there", async () => {
  const path = join(folder, "full.part");
  const part = await PartFile.open(path);
  await part.append(Buffer.from("kept"));
  const full = await fillDisk();
  await assert.rejects(part.append(Buffer.from("lost")), (error: Error) => {
    return (
      error instanceof CapacityError &&
      /disk is full \(ENOSPC\)\. Free some space, or set LONGSPAN_HOME/.test(error.message)
    );
  });
  full.restore();
  await part.close();
  assert.equal(readFileSync(path, "utf8"), "kept");
});

test("a folder that cannot be written is an InputError that says which", async () => {
  const path = join(folder, "file", "a.part");
  writeFileSync(join(folder, "file"), "not a folder");
  await assert.rejects(PartFile.open(path), (error: Error) => {
    return error instanceof InputError && error.message.startsWith(`${path}: cannot be written`);
  });
});

test("what cannot fit is refused before the first byte, with both numbers", async () => {
  mkdirSync(join(folder, "home"));
  await assert.rejects(expectFreeSpace(join(folder, "home", "model"), 1e18), (error: Error) => {
    return (
      error instanceof CapacityError &&
      /1,000,000,000,000 MB are needed for the model, [\d,]+ MB are free/.test(error.message)
    );
  });
  await expectFreeSpace(join(folder, "home", "model"), 1);
});

/** Makes every write to a file fail as on a full disk, the way the operating system says it. */
async function fillDisk() {
  const handle = await open(join(folder, "any"), "w");
  const method = mock.method(Object.getPrototypeOf(handle), "write", async () => {
    throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
  });
  await handle.close();
  return { restore: () => method.mock.restore() };
}
