import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { CapacityError, InputError } from "../runtime/errors.ts";
import { maxBytes } from "./bytes.ts";
import { joinDocuments, type ReadOptions, readDocuments } from "./read.ts";

const root = mkdtempSync(join(tmpdir(), "longspan-documents-"));
after(() => rmSync(root, { recursive: true }));

test("one part is joined as its text alone, several stand under lines with their paths", () => {
  const parts = [
    { path: "a.txt", text: "A\n" },
    { path: "b.txt", text: "B" },
  ];
  assert.deepEqual(joinDocuments(parts.slice(0, 1)), { text: "A\n", starts: [0] });
  const { text, starts } = joinDocuments(parts);
  assert.equal(text, "===== a.txt =====\nA\n\n===== b.txt =====\nB\n");
  assert.deepEqual(
    starts.map((start) => text.slice(start, start + 2)),
    ["A\n", "B\n"],
  );
});

test("paths are read in the order given, a folder in byte order, each file once", async () => {
  const folder = write({ "b.md": "b", "a/z.ts": "z", "a.txt": "a", "é.txt": "e", "Z.txt": "Z" });
  const seen: string[] = [];
  const parts = await readDocuments([join(folder, "b.md"), folder, join(folder, "a", "..", "a.txt")], {
    onFile: (path) => seen.push(path),
  });
  const expected = ["b.md", "Z.txt", "a.txt", "a/z.ts", "é.txt"].map((name) => join(folder, name));
  assert.deepEqual(
    parts.map(({ path }) => path),
    expected,
  );
  assert.deepEqual(seen, expected);
  assert.deepEqual(
    parts.map(({ text }) => text),
    ["b", "Z", "a", "z", "e"],
  );
});

test('"-" reads standard input, whatever its chunks and its format', async () => {
  const bytes = Buffer.from("Grüße");
  const [part] = await readDocuments(["-"], { stdin: chunks(bytes.subarray(0, 3), bytes.subarray(3)) });
  assert.deepEqual(part, { path: "standard input", text: "Grüße" });
  const [page] = await readDocuments(["-"], { stdin: chunks(Buffer.from("<!DOCTYPE html><p>Text</p>")) });
  assert.equal(page.text, "Text");
});

test("a glob reads what it matches in byte order, without hidden files and node_modules", async () => {
  const folder = write({ "b.ts": "b", "sub/a.ts": "a", "c.js": "c", ".d.ts": "d", "node_modules/x/e.ts": "e" });
  assert.deepEqual(await names([`${folder}/**/*.ts`], folder), ["b.ts", "sub/a.ts"]);
  assert.deepEqual(await names([`${folder}/node_modules/**/*.ts`], folder), ["node_modules/x/e.ts"]);
  assert.deepEqual(await names([`${folder}/{b,c}.*`], folder), ["b.ts", "c.js"]);
});

test("a file whose name looks like a glob is that file", async () => {
  const folder = write({ "[a].txt": "bracket", "a.txt": "plain" });
  const [part] = await readDocuments([join(folder, "[a].txt")]);
  assert.equal(part.text, "bracket");
});

test("what a folder holds and cannot be read is left out and reported", async () => {
  const folder = write({ "a.txt": "a", "b.png": "\x89PNG\0", "c.txt": "", "d.pdf": "%PDF-", "e.txt": "e" });
  symlinkSync("a.txt", join(folder, "f.txt"));
  const skipped: Record<string, string> = {};
  const parts = await readDocuments([folder], {
    onSkip: (path, reason) => {
      skipped[path.slice(folder.length + 1)] = reason;
    },
  });
  assert.deepEqual(
    parts.map(({ text }) => text),
    ["a", "e"],
  );
  assert.deepEqual(Object.keys(skipped).sort(), ["b.png", "c.txt", "d.pdf", "f.txt"]);
  assert.match(skipped["b.png"], /^expected text.*binary/);
  assert.match(skipped["c.txt"], /^is empty/);
  assert.match(skipped["d.pdf"], /^expected PDF.*damaged/);
  assert.equal(skipped["f.txt"], "is a symbolic link");
});

test("the same files, named, are refused: missing, empty, blank, binary, damaged, a link to itself, a device", async () => {
  const folder = write({
    "empty.txt": "",
    "blank.txt": " \n",
    "blank.html": "<p></p>",
    "image.txt": "\x89PNG\0",
    "bad.pdf": "%PDF-",
    "bad.docx": "PK\x03\x04",
    "bad.epub": "",
  });
  symlinkSync("loop", join(folder, "loop"));
  for (const [name, message] of [
    ["missing.txt", /no such file or folder/],
    ["empty.txt/below", /ENOTDIR/],
    ["empty.txt", /is empty/],
    ["blank.txt", /is empty/],
    ["blank.html", /holds no text/],
    ["image.txt", /got binary data/],
    ["bad.pdf", /damaged/],
    ["bad.docx", /damaged/],
    ["bad.epub", /is empty/],
    ["loop", /ELOOP/],
  ] as const)
    await refused([join(folder, name)], join(folder, name), message);
  await refused(["/dev/null"], "/dev/null", /got a device/);
  await refused(["-"], "standard input", /is empty/, { stdin: chunks() });
  await assert.rejects(readDocuments([]), InputError);
});

test("a glob without matches and a folder without text are refused", async () => {
  const folder = write({ "a.png": "\x89PNG\0", ".hidden": "hidden" });
  await refused([`${folder}/*.txt`], `${folder}/*.txt`, /matches none/);
  await refused([folder], folder, /found none \(1 left out; the first, .*a\.png expected text/);
  await refused([`${folder}/*.png`], `${folder}/*.png`, /found none/);
  const empty = write({});
  await refused([empty], empty, /expected files with text, found none\. /);
});

test("files and folders without read permission: refused when named, reported inside a folder", async () => {
  const folder = write({ "a.txt": "a", "locked.txt": "l", "closed/b.txt": "b" });
  for (const name of ["locked.txt", "closed"]) chmodSync(join(folder, name), 0);
  chmodSync(root, 0o755);
  chmodSync(folder, 0o755);
  await readDocuments([join(folder, "a.txt")]); // so that every module is loaded
  // Permissions do not bind root.
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(65534);
  try {
    await refused([join(folder, "locked.txt")], join(folder, "locked.txt"), /no permission/);
    await refused([join(folder, "closed")], join(folder, "closed"), /no permission/);
    const skipped: string[] = [];
    const parts = await readDocuments([folder], { onSkip: (path, reason) => skipped.push(`${path}: ${reason}`) });
    assert.equal(parts.length, 1);
    assert.equal(skipped.length, 2);
    for (const line of skipped) assert.match(line, /(locked\.txt|closed): no permission/);
  } finally {
    if (isRoot) process.seteuid?.(0);
    chmodSync(join(folder, "closed"), 0o755);
  }
});

test("formats without an extension are told by their content", async () => {
  const folder = write({ page: "\n<html><p>Text</p>", "page.txt": "<html><p>Text</p>", report: "%PDF-1.4 cut" });
  const parts = await readDocuments([join(folder, "page"), join(folder, "page.txt")]);
  assert.deepEqual(
    parts.map(({ text }) => text),
    ["Text", "<html><p>Text</p>"],
  );
  await refused([join(folder, "report")], join(folder, "report"), /expected PDF/);
});

test("more than 256 MiB is refused with both numbers, before the rest of it is read", async () => {
  let numChunks = 0;
  async function* endless() {
    for (const chunk = Buffer.alloc(maxBytes / 4); ; numChunks++) yield chunk;
  }
  await assert.rejects(
    readDocuments(["-"], { stdin: endless() }),
    (error: Error) => error instanceof CapacityError && /at most 268435456 bytes, got 335544320/.test(error.message),
  );
  assert.equal(numChunks, 4);
});

test("an aborted signal stops the reading with its own reason", async () => {
  const folder = write({ "a.txt": "a", "b.txt": "b" });
  const controller = new AbortController();
  const seen: string[] = [];
  const reading = readDocuments([folder], {
    signal: controller.signal,
    onFile: (path) => {
      seen.push(path);
      controller.abort();
    },
  });
  await assert.rejects(reading, { name: "AbortError" });
  assert.equal(seen.length, 1);
});

let numFolders = 0;

/** A new folder with these files, in Latin-1 so that any byte can be written. */
function write(files: Record<string, string>): string {
  const folder = join(root, String(numFolders++));
  mkdirSync(folder);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content, "latin1");
  }
  return folder;
}

async function names(paths: string[], folder: string): Promise<string[]> {
  return (await readDocuments(paths)).map(({ path }) => path.slice(folder.length + 1));
}

async function refused(paths: string[], where: string, message: RegExp, options?: ReadOptions): Promise<void> {
  await assert.rejects(
    readDocuments(paths, options),
    (error: Error) =>
      error instanceof InputError && error.message.startsWith(`${where}: `) && message.test(error.message),
    `${where} ${message}`,
  );
}

async function* chunks(...bytes: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* bytes;
}
