import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesOfText, characterOfByte } from "./byte-level.ts";

test("the alphabet is GPT-2's: 256 characters, 'Ġ' the space, 'Ċ' the newline, 'Ń' the soft hyphen, the last of 68", () => {
  assert.equal(new Set(characterOfByte).size, 256);
  assert.equal(characterOfByte[0x20], "Ġ");
  assert.equal(characterOfByte[0x0a], "Ċ");
  assert.equal(characterOfByte[0x41], "A");
  assert.equal(characterOfByte[0xad], String.fromCharCode(0x100 + 67));
});

test("the bytes of a text in the alphabet are those that its characters stand for", () => {
  assert.deepEqual(
    bytesOfText(characterOfByte.join("")),
    Uint8Array.from({ length: 256 }, (_, byte) => byte),
  );
});
