import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { evalRow, evalRows, shares } from "../../../test/support/eval-rows.ts";
import { summarize } from "../summary/index.ts";
import { cellsCsv, rowsCsv } from "./csv.ts";

/** A reader by RFC 4180, to hold the writer against. */
function parse(text: string): string[][] {
  const records: string[][] = [];
  let record: string[] = [];
  const fields = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/gy;
  for (let match = fields.exec(text); match; match = fields.exec(text)) {
    record.push(match[1] === undefined ? match[2] : match[1].replaceAll('""', '"'));
    if (match[3] === "\r\n") {
      records.push(record);
      record = [];
    }
  }
  return records;
}

const column = (text: string, name: string) => {
  const [names, ...records] = parse(text);
  return records.map((record) => record[names.indexOf(name)]);
};

test("cells are one line a task and length, with intervals and further scores; unknown is empty", () => {
  const text = cellsCsv(
    summarize([
      ...evalRows(shares(20, 25), { scores: { score: 1, f1: 0.5 } }),
      ...evalRows([0], { length: 8192, truncated: true }),
    ]),
  );
  assert.equal(
    text.split("\r\n")[0],
    "family,task,length,mode,n,truncated,score,low,high,method,fill,promptTokens,cachedTokens,outputTokens,seconds,scores.f1",
  );
  assert.deepEqual(column(text, "length"), ["4096", "8192"]);
  assert.deepEqual(column(text, "score"), ["0.8", ""]);
  assert.deepEqual(column(text, "truncated"), ["0", "1"]);
  assert.deepEqual(column(text, "scores.f1"), ["0.5", ""]);
  assert.equal(Number(column(text, "low")[0]).toFixed(4), "0.6087");
});

test("any question and answer come back from the CSV, character for character", () => {
  const text = fc.oneof(fc.string(), fc.stringMatching(/^[",\r\n a;é]{0,12}$/));
  fc.assert(
    fc.property(fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 5 }), (answers) => {
      const rows = answers.map(([question, output], index) =>
        evalRow({ index, question, output, references: [output, question] }),
      );
      const csv = rowsCsv(rows);
      assert.deepEqual(
        column(csv, "question"),
        rows.map(({ question }) => question),
      );
      assert.deepEqual(
        column(csv, "output"),
        rows.map(({ output }) => output),
      );
      assert.deepEqual(
        column(csv, "references").map((value) => JSON.parse(value)),
        rows.map(({ references }) => references),
      );
    }),
  );
});

test("rows without depth, facts or further scores leave their fields empty", () => {
  const csv = rowsCsv([
    evalRow({ depth: 0.25, facts: { hops: 4 }, scores: { score: 1, f1: 0.5 } }),
    evalRow({ index: 1, truncated: true }),
  ]);
  assert.deepEqual(column(csv, "depth"), ["0.25", ""]);
  assert.deepEqual(column(csv, "facts"), ['{"hops":4}', ""]);
  assert.deepEqual(column(csv, "scores.f1"), ["0.5", ""]);
  assert.deepEqual(column(csv, "truncated"), ["false", "true"]);
  assert.equal(rowsCsv([]), "");
});
