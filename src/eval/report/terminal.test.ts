import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { evalRow, evalRows, shares } from "../../../test/support/eval-rows.ts";
import { compareRuns, summarize } from "../summary/index.ts";
import { formatLength, formatPoints, formatRoughLength, formatScoreWithHalfWidth } from "./figures.ts";
import { tableLines } from "./table.ts";
import { comparisonText, summaryText } from "./terminal.ts";

const plain = { columns: 100, color: false };
const escapeCode = "\u001b";

test("a summary says scores with half widths, means, effective lengths and totals", () => {
  const rows = [1024, 4096].flatMap((length, i) => [
    ...evalRows(shares([100, 80][i], 100), { length }),
    ...evalRows(shares([90, 60][i], 100), { length, task: "vt" }),
  ]);
  assert.equal(
    summaryText(summarize(rows), plain),
    `ruler · raw
task                   1K         4K
niah_single_1  100.0 ±1.8  80.0 ±7.8
vt              90.0 ±6.0  60.0 ±9.4
mean            95.0 ±3.2  70.0 ±6.1
effective length (score >= 85.6): 1K (interpolated 1.7K, 95 %: 1.3K to 2.1K)
effective length (score >= 80.8, 0.85 of the base at 1K): 1K (interpolated 2.2K, 95 %: 1.9K to 2.9K)
effective length (the same with 95 % confidence): 1K (interpolated 1.9K)
mean over log2 length: 82.5

400 samples · 985,600 prompt tokens (0 cached) · 3,200 output tokens · 800 s`,
  );
});

test("cut prompts and incomplete means are marked and explained", () => {
  const text = summaryText(
    summarize([
      ...evalRows([1, 1]),
      ...evalRows([1, 1], { task: "vt" }),
      ...evalRows([1, 1], { length: 8192 }),
      ...evalRows([0, 0], { length: 8192, task: "vt", truncated: true }),
    ]),
    plain,
  );
  assert.match(text, /^vt +100\.0 ±33 +- !$/m);
  assert.match(text, /^mean +100\.0 ±\d+ +100\.0 ±33 \*$/m);
  assert.match(text, /^! 2 prompts were cut on the way and do not count$/m);
  assert.match(text, /^\* not all tasks: left out of the effective length$/m);
});

const sweep = [1024, 2048].flatMap((length) =>
  [0, 0.5, 1].flatMap((depth, d) =>
    shares([5, 2, 0][d], 5).map((score, i) => evalRow({ length, depth, score, index: 5 * d + i })),
  ),
);

test("a heat map without colours is whole percents, with the place of the worst", () => {
  const text = summaryText(summarize(sweep), plain);
  assert.ok(!text.includes(escapeCode));
  assert.match(
    text,
    /niah_single_1 by depth \(0 % is the beginning of the context\)\ndepth {3}1K {3}2K\n {2}0 % {2}100 {2}100\n 50 % {3}40 {3}40\n100 % {4}0 {4}0\n/,
  );
  assert.match(
    text,
    /against the middle: beginning \+60\.0, end -40\.0 · U \+10\.0 \(95 %: .*\)\nworst at 100 %: 0\.0 · /,
  );
  assert.match(text, /any effect of depth: p < 0\.001/);
});

test("colours go from red over yellow to green, and taking them out leaves the plain text", () => {
  const colored = summaryText(summarize(sweep), { ...plain, color: true });
  // 203 is red and 43 green in the 256-colour cube.
  assert.ok(colored.includes(`${escapeCode}[30;48;5;43m 100 ${escapeCode}[0m`), JSON.stringify(colored));
  assert.ok(colored.includes(`${escapeCode}[30;48;5;203m   0 ${escapeCode}[0m`), JSON.stringify(colored));
  const stripped = colored.replaceAll(new RegExp(`${escapeCode}\\[[0-9;]*m`, "g"), "").replaceAll(/ +$/gm, "");
  assert.equal(stripped, summaryText(summarize(sweep), plain));
});

test("tables and heat maps of ten lengths stay within 60 columns, and show every length", () => {
  const lengths = Array.from({ length: 10 }, (_, i) => 1024 * (i + 1));
  const rows = lengths.flatMap((length) => [0, 0.5, 1].map((depth, index) => evalRow({ length, depth, index })));
  const lines = summaryText(summarize(rows), { columns: 60, color: false }).split("\n");
  for (const line of lines.filter(
    (line) => /^(task|depth|niah|mean|\d+ %| *\d+ % )/.test(line) && !line.includes(" by depth"),
  ))
    assert.ok(line.length <= 60, `${line.length}: ${line}`);
  for (const head of ["task", "depth"])
    assert.deepEqual(
      lines
        .filter((line) => line.trimStart().startsWith(`${head} `))
        .flatMap((line) => line.trim().split(/ +/).slice(1)),
      lengths.map(formatLength),
    );
});

test("a comparison says what really differs, in words and points", () => {
  const a = [...evalRows(shares(50, 60)), ...evalRows(shares(30, 60), { length: 8192 })];
  const b = [...evalRows(shares(35, 60)), ...evalRows(shares(31, 60), { length: 8192 })];
  const comparison = compareRuns([...a, evalRow({ index: 99 })], b);
  const text = comparisonText(comparison, { columns: 120, color: false });
  assert.match(text, /^niah_single_1 4K +60 +83\.3 +58\.3 +-25\.0 +-\d+\.\d to -\d+\.\d +< 0\.001 +< 0\.001 +worse$/m);
  assert.match(text, /^niah_single_1 8K +60 +50\.0 +51\.7 +\+1\.7 +.* 1\.000 +1\.000 +-$/m);
  assert.match(text, /^ruler 4K \(mean of 1\) .* worse$/m);
  assert.match(text, /^2 of 4 lines really differ \(Holm-adjusted p < 0\.05\)\.$/m);
  assert.match(text, /^120 samples compared, mode raw; left out: 1 only in a$/m);
  const colored = comparisonText(comparison, { columns: 120, color: true });
  assert.match(colored, new RegExp(`${escapeCode}\\[31m +worse${escapeCode}\\[0m`));
  const same = comparisonText(compareRuns(a, a), { columns: 120, color: false });
  assert.match(same, /^Nothing really differs/m);
});

test("lengths, points and half widths read as people write them", () => {
  assert.deepEqual([512, 1000, 1024, 1536, 4096, 32768, 131072].map(formatLength), [
    "512",
    "1000",
    "1K",
    "1.5K",
    "4K",
    "32K",
    "128K",
  ]);
  assert.deepEqual([900.4, 1024, 5421, 33000].map(formatRoughLength), ["900", "1K", "5.3K", "32K"]);
  assert.deepEqual([0.031, -0.25, 0, -0.0001].map(formatPoints), ["+3.1", "-25.0", "0.0", "0.0"]);
  assert.equal(formatScoreWithHalfWidth(0.8, { low: 0.609, high: 0.911 }), "80.0 ±15");
  assert.equal(formatScoreWithHalfWidth(0.8, { low: 0.7627, high: 0.8327 }), "80.0 ±3.5");
});

test("every cell of a table is shown once, in lines within the columns wherever first column and cell fit", () => {
  const word = fc.stringMatching(/^[a-z]{1,6}$/);
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 16, max: 60 }),
      fc.infiniteStream(word),
      (count, columns, words) => {
        const next = () => words.next().value as string;
        const header = ["name", ...Array.from({ length: count }, (_, i) => `c${i}`)];
        const rows = [0, 1].map((row) => [`row${row}`, ...Array.from({ length: count }, next)]);
        const lines = tableLines(header, rows, columns);
        for (const line of lines) assert.ok(line.length <= columns, `${line.length} > ${columns}: ${line}`);
        for (const row of [header, ...rows]) {
          const shown = lines
            .filter((line) => line.startsWith(`${row[0]} `))
            .flatMap((line) => line.split(/ +/).slice(1));
          assert.deepEqual(shown, row.slice(1));
        }
      },
    ),
  );
});
