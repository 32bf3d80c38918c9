import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { zipSync } from "fflate";
import { InputError } from "../runtime/errors.ts";
import { openMember } from "./wheel.ts";

const folder = mkdtempSync(join(tmpdir(), "longspan-wheel-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
// 3 MB: several pieces; half of it compresses, half does not.
const content = Buffer.concat([Buffer.alloc(1_500_000, "text "), randomBytes(1_500_000)]);

function writeWheel(name: string, level: 0 | 6): string {
  const path = join(folder, name);
  writeFileSync(
    path,
    zipSync({
      "package/__init__.py": Buffer.from("x = 1"),
      "package/data/part01.bin": [content, { level }],
      empty: Buffer.alloc(0),
    }),
  );
  return path;
}

async function read(path: string, member: string): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of (await openMember(path, member)).content) pieces.push(piece);
  return Buffer.concat(pieces);
}

test("stored and deflated members come out as they went in, byte for byte, with their size known before", async () => {
  for (const level of [0, 6] as const) {
    const path = writeWheel(`level-${level}.whl`, level);
    assert.equal((await openMember(path, "package/data/part01.bin")).bytes, content.length);
    assert.ok((await read(path, "package/data/part01.bin")).equals(content));
    assert.equal((await read(path, "empty")).length, 0);
  }
});

test("a member that is not there is an InputError that names those that are", async () => {
  await assert.rejects(openMember(writeWheel("names.whl", 6), "package/part1"), (error: Error) => {
    return error instanceof InputError && error.message.includes("got package/__init__.py, package/data/part01.bin");
  });
});

test("an archive cut anywhere, or no archive at all, is an error and never a short member", async () => {
  const whole = zipSync({ "package/data/part01.bin": content });
  const path = join(folder, "cut.whl");
  for (const length of [0, 3, 30, 1_000_000, whole.length - 30, whole.length - 1]) {
    writeFileSync(path, whole.subarray(0, length));
    await assert.rejects(read(path, "package/data/part01.bin"), InputError, `cut at ${length}`);
  }
  writeFileSync(path, "<html>not a wheel</html>");
  await assert.rejects(read(path, "x"), /expected a zip archive, got a broken one/);
});

test("deflated data that is damaged inside is an error", async () => {
  const damaged = zipSync({ member: Buffer.alloc(1_000_000, "text ") });
  damaged.fill(0xff, 100, 200);
  const path = join(folder, "damaged.whl");
  writeFileSync(path, damaged);
  await assert.rejects(read(path, "member"), InputError);
});
