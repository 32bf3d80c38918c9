import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { LogitsFile } from "./logits-file.ts";

const newFolder = () => mkdtempSync(join(tmpdir(), "longspan-logits-"));

test("rows are appended as little-endian f32 and the name appears only at the end", () => {
  const folder = newFolder();
  const file = new LogitsFile(join(folder, "out.f32"));
  file.append(Float32Array.of(1, -2.5));
  assert.deepEqual(readdirSync(folder), ["out.f32.part"]);
  file.append(Float32Array.of(0, 3, 4).subarray(1));
  file.complete();
  file.discard();
  assert.deepEqual(readdirSync(folder), ["out.f32"]);
  assert.equal(readFileSync(join(folder, "out.f32")).toString("hex"), "0000803f000020c00000404000008040");
});

test("nothing is left of a file that is not completed", () => {
  const folder = newFolder();
  const file = new LogitsFile(join(folder, "out.f32"));
  file.append(Float32Array.of(1));
  file.discard();
  assert.deepEqual(readdirSync(folder), []);
});

test("a missing folder, a folder and a full disk are told apart", () => {
  const folder = newFolder();
  assert.throws(() => new LogitsFile(join(folder, "none", "out.f32")), /^InputError: .*its folder does not exist/);
  assert.throws(() => new LogitsFile(folder), /^InputError: .*expected the path of a file, got a folder/);
  // Linux's full disk; other systems have none to test with.
  if (!existsSync("/dev/full")) return;
  symlinkSync("/dev/full", join(folder, "out.f32.part"));
  const file = new LogitsFile(join(folder, "out.f32"));
  assert.throws(() => file.append(Float32Array.of(1)), /^CapacityError: .*the disk is full/);
  file.discard();
  assert.deepEqual(readdirSync(folder), []);
});
