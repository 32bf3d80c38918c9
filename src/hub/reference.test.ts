import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { InputError } from "../runtime/errors.ts";
import { nearestName } from "./nearest.ts";
import { parseReference } from "./reference.ts";

const home = mkdtempSync(join(tmpdir(), "longspan-reference-"));
process.once("exit", () => rmSync(home, { recursive: true, force: true }));
process.env.LONGSPAN_HOME = home;

test("a name is the catalogue's file in the models folder, hf: lies below models/hf by owner and repository", () => {
  assert.equal(
    parseReference("qwen2.5-coder-0.5b").path,
    join(home, "models", "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"),
  );
  const hub = parseReference("hf:some-owner/Some.Repo_1/sub/file-q8_0.gguf");
  assert.deepEqual(hub, {
    kind: "hub",
    name: "hf:some-owner/Some.Repo_1/sub/file-q8_0.gguf",
    path: join(home, "models", "hf", "some-owner", "Some.Repo_1", "sub", "file-q8_0.gguf"),
    repository: "some-owner/Some.Repo_1",
    file: "sub/file-q8_0.gguf",
  });
});

test("an existing file is used as it is, whatever its name", () => {
  const path = join(home, "weights.bin");
  writeFileSync(path, "GGUF");
  assert.deepEqual(parseReference(path), { kind: "file", name: path, path });
});

test("an unknown name is refused with all names and the nearest one", () => {
  assert.throws(
    () => parseReference("qwen2.5-codr-0.5b"),
    (error: Error) =>
      error instanceof InputError &&
      error.message.includes("smollm2-135m, qwen2.5-coder-0.5b, qwen2.5-coder-1.5b, gemma3-270m") &&
      error.message.endsWith('Did you mean "qwen2.5-coder-0.5b"?'),
  );
  assert.throws(() => parseReference("zzz"), /List the names with: longspan models list$/);
});

test("a missing path and a directory are told apart from an unknown name", () => {
  assert.throws(() => parseReference(join(home, "none.gguf")), /no such file\. Check the path/);
  assert.throws(() => parseReference("./none"), /no such file/);
  assert.throws(() => parseReference(home), /expected a GGUF file, got a directory/);
});

test("hf: references that are incomplete or would leave the models folder are refused", () => {
  for (const rest of [
    "owner/file.gguf",
    "owner/repository/file.bin",
    "../../etc/x.gguf",
    "a/b/../../../x.gguf",
    "a/b//x.gguf",
  ])
    assert.throws(() => parseReference(`hf:${rest}`), /expected hf:owner\/repository\/file\.gguf/, rest);
});

test("the nearest name has the fewest edits, or contains what was typed, or there is none", () => {
  const names = ["smollm2-135m", "gemma3-270m"];
  assert.equal(nearestName("smolm2-135m", names), "smollm2-135m");
  assert.equal(nearestName("GEMMA", names), "gemma3-270m");
  assert.equal(nearestName("llama-70b", names), undefined);
});
