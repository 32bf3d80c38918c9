import assert from "node:assert/strict";
import { test } from "node:test";
import { Parser } from "htmlparser2";
import { madeUpRun } from "../../../../test/support/evaluation-runs.ts";
import { InputError } from "../../../runtime/errors.ts";
import { compareRuns } from "../../summary/compare.ts";
import { htmlReport } from "./index.ts";
import { embedJson, type SampleData } from "./samples.ts";

const small = { samples: 3, lengths: [1024, 2048, 4096] };
const evil = `</script><script>alert(1)</script><!--<img src=x onerror=alert(1)>" & ' \u2028`;

test("a report of one run, and of two with a comparison: every tag is closed, every section is there", () => {
  const one = madeUpRun(small);
  const two = madeUpRun({ ...small, format: "f32", strength: 1 });
  const sections = ["summary", "scores", "curves", "depth", "cost", "notes", "samples", "evaluated"];
  assert.deepEqual(sectionsOf(htmlReport([one])), sections);
  const compared = htmlReport([one, two], {}, compareRuns(one.rows, two.rows));
  assert.deepEqual(sectionsOf(compared), [sections[0], "comparison", ...sections.slice(1)]);
  assert.match(compared, /cache\.format q8 and cache\.format f32/);
});

test("the same runs give the same bytes", () => {
  const make = () => htmlReport([madeUpRun(small), madeUpRun({ ...small, format: "f32" })]);
  assert.equal(make(), make());
});

test("nothing in a sample, a name or a title can leave its place", () => {
  const run = madeUpRun({ ...small, change: (row) => ({ ...row, output: evil, question: evil, references: [evil] }) });
  const info = { ...run.info, backend: { ...run.info.backend, name: evil } };
  const html = htmlReport([{ ...run, info }], { title: evil });
  assert.ok(!html.includes("<script>alert"));
  assert.ok(!html.includes("<img"));
  assert.ok(!html.includes("<!--"));
  assert.equal(html.match(/<\/script>/g)?.length, 2);
  sectionsOf(html);
  assert.equal(sampleData(html).samples[0].output, evil);
});

test("embedded JSON reads back, and holds neither < nor a line separator", () => {
  const json = embedJson({ text: evil });
  assert.ok(!/[<>&\u2028\u2029]/.test(json));
  assert.deepEqual(JSON.parse(json), { text: evil });
});

test("the report asks the network for nothing", () => {
  const html = htmlReport([madeUpRun(small)]);
  const fetched = [...html.matchAll(/\b(?:src|href|srcset|action)="([^"]*)"|url\(|@import|\bfetch\(|XMLHttpRequest/g)];
  assert.deepEqual(
    fetched.filter(([, target]) => !target?.startsWith("#")).map(([text]) => text),
    [],
  );
  assert.match(html, /default-src 'none'/);
});

test("the viewer gets the worst samples first and at most maxSamples; cut prompts come last; the page says what is missing", () => {
  const run = madeUpRun({ ...small, change: (row) => (row.index === 0 ? { ...row, score: 0, truncated: true } : row) });
  const all = sampleData(htmlReport([run])).samples;
  assert.equal(all.length, run.rows.length);
  const scores = all.filter(({ truncated }) => !truncated).map(({ score }) => score);
  assert.deepEqual(
    scores,
    [...scores].sort((a, b) => a - b),
  );
  assert.ok(all.slice(scores.length).every(({ truncated }) => truncated));
  const cut = htmlReport([run], { maxSamples: 10 });
  assert.deepEqual(sampleData(cut).samples, all.slice(0, 10));
  assert.match(cut, /holds 10 of 72;/);
});

test("the table of tasks shows the summary's scores with their intervals", () => {
  const run = madeUpRun(small);
  const html = htmlReport([run]);
  for (const { tasks } of run.summary.families)
    for (const { task, cells } of tasks) {
      const row = html.match(new RegExp(`<th scope="row">${task}</th>(.*?)</tr>`, "s"))![1];
      const shown = [...row.matchAll(/<span>([\d.]+)<\/span><small>(\d+)–(\d+)<\/small>/g)].map(
        ([, ...numbers]) => numbers,
      );
      const expected = cells.map(({ score, interval }) => [
        (100 * score!).toFixed(1),
        (100 * interval!.low).toFixed(0),
        (100 * interval!.high).toFixed(0),
      ]);
      assert.deepEqual(shown, expected);
    }
});

test("notes name cut prompts, missing samples, raised limits and retries", () => {
  const run = madeUpRun({
    ...small,
    change: (row) => {
      if (row.task === "vt" && row.length === 2048) return { ...row, truncated: true };
      return row.task === "cwe" ? { ...row, attempts: 3, facts: { maxNewRaised: true } } : { ...row, attempts: 1 };
    },
  });
  const rows = run.rows.filter((row) => row.task !== "fwe" || row.length !== 4096 || row.index !== 2);
  const html = htmlReport([{ ...run, rows }]);
  assert.match(html, /3 samples had their prompt cut by the server and do not count: vt at 2K\./);
  assert.match(html, /Not all samples that were asked for were answered: fwe at 4K \(2 of 3\)\./);
  assert.match(html, /9 samples may answer longer than .*: cwe at 1K, cwe at 2K, cwe at 4K\./);
  assert.match(html, /9 samples needed more than one try, at most 3\./);
  assert.match(html, /The mean at 2K is without vt/);
});

test("runs in different prompt modes get a warning", () => {
  const chat = madeUpRun({ ...small, format: "f32", change: (row) => ({ ...row, mode: "chat" }) });
  const html = htmlReport([madeUpRun(small), { ...chat, info: { ...chat.info, mode: "chat" } }]);
  assert.match(html, /different prompt modes \(chat\+prefill, chat\)/);
});

test("quality against bytes is drawn where the usage tells them", () => {
  const bytes = (cacheBytes: number) =>
    madeUpRun({ ...small, change: (row) => ({ ...row, usage: { ...row.usage, cacheBytes } as typeof row.usage }) });
  assert.ok(!htmlReport([madeUpRun(small)]).includes("bytes of cache"));
  assert.match(htmlReport([bytes(2 ** 20)]), /bytes of cache.*at 1 MiB/);
});

test("no run, or a comparison without two runs, is refused with what to do", () => {
  assert.throws(() => htmlReport([]), InputError);
  const run = madeUpRun(small);
  assert.throws(
    () => htmlReport([run], {}, compareRuns(run.rows, run.rows)),
    /expected two runs for a comparison, got 1/,
  );
});

/** Ids of sections in order, after checking that tags are balanced and that drawings and tables are named. */
function sectionsOf(html: string): string[] {
  const empty = new Set(["meta", "input", "!doctype"]);
  const open: string[] = [];
  const ids: string[] = [];
  const parser = new Parser({
    onopentag(name, attributes) {
      if (!empty.has(name)) open.push(name);
      if (name === "section") ids.push(attributes.id);
      if (name === "svg") assert.ok(attributes.role === "img" && attributes["aria-label"].length > 10);
    },
    onclosetag(name, isImplied) {
      if (empty.has(name)) return;
      assert.ok(!isImplied, `</${name}> is missing`);
      assert.equal(name, open.pop());
    },
  });
  parser.write(html);
  parser.end();
  assert.deepEqual(open, []);
  return ids;
}

function sampleData(html: string): SampleData {
  return JSON.parse(html.match(/<script type="application\/json" id="sample-data">(.*?)<\/script>/s)![1]) as SampleData;
}
