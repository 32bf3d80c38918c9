import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { TextStream } from "./text-stream.ts";

/** A token for each piece of bytes. */
function streamOf(pieces: Uint8Array[]): TextStream {
  return new TextStream((tokenId) => pieces[tokenId], false);
}

test("a stream is incomplete exactly while a character lacks bytes, whatever its length", () => {
  for (const text of ["é", "中", "🐳"]) {
    const bytes = new TextEncoder().encode(text);
    const stream = streamOf(Array.from(bytes, (byte) => Uint8Array.of(byte)));
    for (let i = 0; i < bytes.length - 1; i++) {
      assert.equal(stream.push(i), "");
      assert.equal(stream.isIncomplete, true);
    }
    assert.equal(stream.push(bytes.length - 1), text);
    assert.equal(stream.isIncomplete, false);
  }
});

test("where a stream is not incomplete nothing is left to flush, for any bytes cut anywhere (fast-check)", () => {
  const byte = fc.oneof(fc.constantFrom(0x41, 0x80, 0xbf, 0xc0, 0xc2, 0xe0, 0xe4, 0xed, 0xf0, 0xf4, 0xf5), fc.nat(255));
  const pieces = fc.array(
    fc.array(byte, { maxLength: 5 }).map((bytes) => Uint8Array.from(bytes)),
    { maxLength: 6 },
  );
  fc.assert(
    fc.property(pieces, (pieces) => {
      const stream = streamOf(pieces);
      const text = pieces.map((_, tokenId) => stream.push(tokenId)).join("");
      const { isIncomplete } = stream;
      const rest = stream.flush();
      assert.equal(text + rest, new TextDecoder("utf-8", { ignoreBOM: true }).decode(Buffer.concat(pieces)));
      if (!isIncomplete) assert.equal(rest, "");
    }),
    { numRuns: 2000, seed: 1 },
  );
});
