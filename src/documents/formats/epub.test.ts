import assert from "node:assert/strict";
import { test } from "node:test";
import { strToU8, zipSync } from "fflate";
import { CapacityError, InputError, UnsupportedError } from "../../runtime/errors.ts";
import { readEpub } from "./epub.ts";

test("an EPUB's chapters come in the order of its spine, found relative to the package document", () => {
  const epub = makeEpub({
    "OEBPS/text/b one.xhtml": chapter("<h1>One</h1><p>First &amp; foremost.</p>"),
    "OEBPS/text/a.xhtml": chapter("<h1>Two</h1><p>Then <i>this</i>.</p>"),
    "OEBPS/unused.xhtml": chapter("<p>Not in the spine.</p>"),
  });
  assert.equal(readEpub(epub, "a.epub"), "One\n\nFirst & foremost.\n\nTwo\n\nThen this.");
});

test("a chapter's name may hold escaped UTF-8, XML entities, and a bare percent sign", () => {
  const epub = makeEpub({
    "OEBPS/book.opf":
      '<package><manifest><item id="x" href="%C3%A9%20&amp; 100%.xhtml#top"/></manifest><spine><itemref idref="x"/></spine></package>',
    "OEBPS/é & 100%.xhtml": chapter("<p>Found</p>"),
  });
  assert.equal(readEpub(epub, "a.epub"), "Found");
});

test("a damaged EPUB is refused with InputError that names what is missing", () => {
  const chapters = { "OEBPS/text/a.xhtml": chapter("<p>Two</p>") };
  const epub = makeEpub(chapters);
  for (const [bytes, message] of [
    [epub.subarray(0, epub.length - 30), /damaged file/],
    [epub, /no OEBPS\/text\/b one\.xhtml/],
    [zipSync({ "a.txt": strToU8("text") }), /no META-INF\/container\.xml/],
    [makeEpub({ ...chapters, "META-INF/container.xml": "<container/>" }), /names no package document/],
    [makeEpub({ "OEBPS/book.opf": '<package><spine><itemref idref="x"/></spine></package>' }), /no manifest item "x"/],
  ] as const)
    assert.throws(
      () => readEpub(bytes, "a.epub"),
      (error: Error) =>
        error instanceof InputError && error.message.startsWith("a.epub: expected EPUB") && message.test(error.message),
    );
});

test("a chapter under DRM is refused with UnsupportedError; an obfuscated font is not in the way", () => {
  const chapters = { "OEBPS/text/a.xhtml": chapter("<p>A</p>"), "OEBPS/text/b one.xhtml": chapter("<p>B</p>") };
  const encrypting = (uri: string) =>
    makeEpub({
      ...chapters,
      "META-INF/encryption.xml": `<encryption><enc:CipherReference URI="${uri}"/></encryption>`,
    });
  assert.equal(readEpub(encrypting("OEBPS/font.otf"), "a.epub"), "B\n\nA");
  assert.throws(() => readEpub(encrypting("OEBPS/text/b%20one.xhtml"), "a.epub"), UnsupportedError);
});

test("an EPUB that claims to unpack to more than 256 MiB is refused before it is unpacked", () => {
  const epub = Buffer.from(makeEpub({ "OEBPS/text/a.xhtml": chapter("<p>A</p>") }));
  // The central directory's "uncompressed size" field of the first entry (APPNOTE 6.3.10, section 4.3.12).
  epub.writeUInt32LE(2 ** 30, epub.indexOf("PK\x01\x02", 0, "latin1") + 24);
  assert.throws(() => readEpub(epub, "bomb.epub"), CapacityError);
});

function chapter(body: string): string {
  return `<html xmlns="http://www.w3.org/1999/xhtml"><head><title>T</title></head><body>${body}</body></html>`;
}

function makeEpub(files: Record<string, string>): Uint8Array {
  const all = {
    mimetype: "application/epub+zip",
    "META-INF/container.xml":
      '<container><rootfiles><rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>',
    "OEBPS/book.opf":
      '<opf:package xmlns:opf="http://www.idpf.org/2007/opf"><opf:manifest>' +
      "<!-- <item id='b' href='wrong'/> -->" +
      '<opf:item id="a" href="text/a.xhtml" media-type="application/xhtml+xml"/>' +
      "<opf:item media-type='application/xhtml+xml' href='text/b%20one.xhtml' id='b'/>" +
      '</opf:manifest><opf:spine><opf:itemref idref="b"/><opf:itemref idref="a"/></opf:spine></opf:package>',
    ...files,
  };
  return zipSync(Object.fromEntries(Object.entries(all).map(([name, text]) => [name, strToU8(text)])));
}
