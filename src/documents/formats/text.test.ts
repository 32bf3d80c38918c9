import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { deflateSync } from "fflate";
import { InputError } from "../../runtime/errors.ts";
import { decodeText } from "./text.ts";

const sample = "Grüße, “naïve” café – 3 €\r\n\tend";

test("text is the same from UTF-8, UTF-8 with a byte order mark, UTF-16 of either order, and Windows-1252", () => {
  const littleEndian = Buffer.from(`\ufeff${sample}`, "utf16le");
  const windows = { "“": 0x93, "”": 0x94, "–": 0x96, "€": 0x80 } as Record<string, number>;
  for (const bytes of [
    Buffer.from(sample),
    Buffer.from(`\ufeff${sample}`),
    littleEndian,
    Buffer.from(littleEndian).swap16(),
    Uint8Array.from(sample, (character) => windows[character] ?? character.charCodeAt(0)),
  ])
    assert.equal(decodeText(bytes, "a.txt"), sample);
});

test("a damaged byte in UTF-8 text costs that character only", () => {
  const bytes = Buffer.from("Grüße, süß!");
  bytes[3] = 0x20; // the second byte of ü
  assert.equal(decodeText(bytes, "a.txt"), "Gr\ufffd ße, süß!");
});

test("terminal colours, form feeds and overstrikes are text", () => {
  for (const text of ["\x1b[31mred\x1b[0m", "page\fpage", "N\bNA\bAM\bME\bE"])
    assert.equal(decodeText(Buffer.from(text), "a.log"), text);
});

test("random bytes, compressed bytes, a zero byte and RTF are refused with InputError", () => {
  const random = randomBytes(4096).map((byte) => byte || 1);
  const compressed = deflateSync(Buffer.from(Array.from({ length: 2000 }, (_, i) => String(i * i)).join(" ")));
  for (const bytes of [random, compressed, Buffer.from("text\0text"), Buffer.from("{\\rtf1\\ansi Text}")])
    assert.throws(
      () => decodeText(bytes, "a.bin"),
      (error: Error) => error instanceof InputError && /^a\.bin: expected text, .*Convert/.test(error.message),
    );
});
