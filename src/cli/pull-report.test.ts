import assert from "node:assert/strict";
import { test } from "node:test";
import { pullReport } from "./pull-report.ts";

test("a notice never lands in the bar's line, and the check of the sum gets a bar of its own", () => {
  process.env.NO_COLOR = "1";
  const written: string[] = [];
  const stream = {
    isTTY: true,
    columns: 80,
    write: (text: string) => written.push(text),
  } as unknown as NodeJS.WriteStream;
  const report = pullReport("model", stream);
  report.onProgress(1e6, 2e6, "download");
  report.onNotice("trying another source");
  report.onProgress(2e6, 2e6, "download");
  report.onProgress(2e6, 2e6, "verify");
  report.finish();
  const lines = written.join("").split("\n");
  assert.equal(lines[1], "trying another source");
  assert.match(lines[2], /^\rdownloading model/);
  assert.match(lines[3], /^\rchecking model/);
  assert.equal(lines[4], "");
});
