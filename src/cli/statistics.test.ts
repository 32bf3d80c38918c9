import assert from "node:assert/strict";
import { test } from "node:test";
import { formatBytes, formatRate, formatSeconds, formatTable, median, statisticsLine } from "./statistics.ts";

test("the line of statistics counts only what was read, and names what was held and what was guessed", () => {
  const statistics = {
    promptTokens: 8214,
    cachedTokens: 0,
    outputTokens: 23,
    prefillSeconds: 71.2,
    decodeSeconds: 0.9,
    peakBytes: 1.1e9,
  };
  assert.equal(
    statisticsLine(statistics),
    "read 8,214 tokens in 71.2 s (115 tokens/s) · wrote 23 in 0.9 s (25.6 tokens/s) · peak memory 1.10 GB",
  );
  assert.match(
    statisticsLine({ ...statistics, cachedTokens: 8000, prefillSeconds: 2 }),
    /^read 214 tokens \(8,000 more were held\) in 2\.0 s \(107 tokens\/s\)/,
  );
  assert.match(
    statisticsLine({ ...statistics, speculation: { steps: 9, drafted: 1020, accepted: 14 } }),
    /\(25\.6 tokens\/s\) · of 1,020 guessed tokens 14 were right · peak memory 1\.10 GB$/,
  );
});

test("figures carry three digits, durations turn into minutes at 100 s, memory into GB at 1e9 bytes", () => {
  assert.deepEqual([formatRate(10, 3), formatRate(1000, 3), formatRate(100_000, 3)], ["3.33", "333", "33,333"]);
  assert.deepEqual([formatRate(0, 0), formatRate(0, 1)], ["0", "0"]);
  assert.deepEqual(
    [formatSeconds(99.94), formatSeconds(119.6), formatSeconds(3600)],
    ["99.9 s", "2 min 0 s", "60 min 0 s"],
  );
  assert.deepEqual([formatBytes(999e6), formatBytes(1e9)], ["999 MB", "1.00 GB"]);
});

test("the median of an even number of values is the mean of the middle two", () => {
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([9, 1, 5, 2]), 3.5);
});

test("a table's columns are as wide as their widest cell, with words on the left and numbers on the right", () => {
  const columns = { a: "right", long: "right", word: "left", end: "left" } as const;
  assert.equal(
    formatTable(columns, [
      ["12345", "6", "x", ""],
      ["7", "8", "longest", "y"],
    ]),
    "    a  long  word     end\n12345     6  x\n    7     8  longest  y",
  );
});
