import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { countTokens, createTextCell } from "../../../../test/support/text-cell.ts";
import { createRandom } from "../../random.ts";
import type { Draft } from "../../types.ts";
import { entriesOf, scoreDiary } from "./diary-score.ts";
import { outNumbered, writeDiary } from "./numbered.ts";
import { outPath, scoreRoute } from "./path.ts";
import { daysOf, drawRules, formatRule, parseRule } from "./rules.ts";

const tasks = [outNumbered, outPath];
const diaryFor = ({ references, facts }: Draft) =>
  writeDiary(Number(facts!.items), references.map(parseRule), createRandom("gold"));

test("prompt and answer fill the length exactly, and the answer has a quarter more room than it is expected to need", () => {
  for (const task of tasks)
    for (const length of [1000, 4000, 16000]) {
      const cell = createTextCell(length);
      const draft = task.cell(cell)(1);
      assert.equal(cell.promptTokens(draft.parts) + draft.maxTokens, length);
      const expected = countTokens(task === outPath ? draft.references[0] : diaryFor(draft));
      assert.ok(draft.maxTokens >= 1.2 * expected, `${task.id} at ${length}: ${draft.maxTokens} for ${expected}`);
      // Half of the length for the diary, less what one entry is off; the map of the path needs more room itself.
      const [low, high] = task === outPath ? [0.15, 0.5] : [0.4, 0.55];
      assert.ok(
        length < 4000 || (expected >= low * length && expected <= high * length),
        `${task.id}: ${expected} of ${length}`,
      );
    }
});

test("sample 4 depends on its index alone", () => {
  for (const task of tasks) {
    const samples = task.cell(createTextCell(2000, { count: 99 }));
    samples(1);
    assert.deepEqual(samples(4), task.cell(createTextCell(2000))(4));
    assert.notDeepEqual(samples(4).references, samples(5).references);
  }
  assert.throws(() => outPath.cell(createTextCell(300))(0), /length: expected at least \d+ tokens/);
});

test("gold answers score 1, those of another sample 0, and an empty one 0", () => {
  for (const task of tasks) {
    const samples = task.cell(createTextCell(3000));
    const [draft, other] = [samples(0), samples(1)];
    const gold = (of: Draft) => (task === outPath ? `Here it is.\n<Route>\n${of.references[0]}\n` : diaryFor(of));
    assert.equal(task.score(gold(draft), draft).score, 1);
    assert.equal(task.score(gold(other), draft).score, 0);
    assert.equal(task.score("", draft).score, 0);
  }
});

test("rules of any diary: days within it, each kind at least once, codes all different, read back from their line (fast-check)", () =>
  fc.assert(
    fc.property(fc.integer({ min: 5, max: 400 }), fc.integer(), (count, seed) => {
      const rules = drawRules(count, createRandom("rules", seed));
      assert.deepEqual(new Set(rules.map(({ kind }) => kind)), new Set(["once", "range", "periodic"]));
      assert.equal(new Set(rules.map(({ code }) => code)).size, rules.length);
      for (const rule of rules) {
        const days = daysOf(rule);
        assert.ok(days[0] >= 1 && days.at(-1) === rule.last && rule.last <= count);
        if (rule.kind === "periodic") assert.ok(rule.last + rule.step > count && rule.first <= rule.step);
        assert.deepEqual(parseRule(formatRule(rule)), rule);
      }
    }),
    { numRuns: 100, seed: 1 },
  ));

test("the prompt states every rule: reading it back gives the days and codes that are scored", () => {
  const { parts, references, facts } = outNumbered.cell(createTextCell(4000))(0);
  const count = Number(facts!.items);
  const said = [...parts.context.matchAll(/^- (.*)$/gm)].map(([, line]) => {
    const [, once] = /^The entry for Day (\d+) contains/.exec(line) ?? [];
    const [, from, to] = /^Each entry from Day (\d+) to Day (\d+) contains/.exec(line) ?? [];
    const [, step, first] = /^Every (\d+) days, beginning with Day (\d+), the entry contains/.exec(line) ?? [];
    const days: number[] = [];
    for (let day = 1; day <= count; day++)
      if (
        day === Number(once) ||
        (day >= Number(from) && day <= Number(to)) ||
        (step !== undefined && day >= Number(first) && (day - Number(first)) % Number(step) === 0)
      )
        days.push(day);
    return { code: /\((\w+)\)\.$/.exec(line)![1], days };
  });
  assert.deepEqual(
    said,
    references.map(parseRule).map((rule) => ({ code: rule.code, days: daysOf(rule) })),
  );
  assert.match(parts.context, new RegExp(`for ${count} days`));
});

test("a diary's scores, on a hand-made one: 3 of 4 entries, codes kept, missed, and put where no rule asks", () => {
  const rules = ["once 2 2 1 A1", "range 1 2 1 B2", "periodic 2 4 2 C3"].map(parseRule);
  const output = "Day 1: x (B2) (A1)\n**Day 2:** y (A1)\n\nDay 4: z (C3)\nDay 4: again\n";
  const scores = scoreDiary(output, rules, 4, 20);
  assert.deepEqual([...entriesOf(output).keys()], [1, 2, 4]);
  // Kept: A1 on 2; B2 on 1 of 1, 2; C3 on 4 of 2, 4.
  assert.equal(scores.once, 1);
  assert.equal(scores.range, 1 / 2);
  assert.equal(scores.periodic, 1 / 2);
  assert.equal(scores.score, 2 / 3);
  assert.equal(scores.completion, 3 / 4);
  assert.equal(scores.keptOfWritten, 3 / 5);
  assert.equal(scores.stray, 1 / 4);
  assert.equal(scores.lengthFollowing, 16 / 20);
});

test("the map has one way from start to goal: walking it gives the gold route", () => {
  const { parts, references, facts } = outPath.cell(createTextCell(4000))(2);
  const problem = parts.context.split("[PROBLEM]")[1];
  const ways = new Map<string, string[]>();
  for (const [, from, to, method] of problem.matchAll(/You can travel from (.+) to (.+) by (\w+)\./g))
    ways.set(from, [...(ways.get(from) ?? []), `From ${from}, take a ${method} to ${to}.`]);
  assert.ok([...ways.values()].every(({ length }) => length === 1));
  const [, start, goal] = /the route from (.+) to (.+) based/.exec(parts.question)!;
  const lines: string[] = [];
  for (let city = start; city !== goal; ) {
    lines.push(ways.get(city)![0]);
    city = / to (.+)\.$/.exec(lines.at(-1)!)![1];
  }
  assert.equal(lines.join("\n"), references[0]);
  assert.equal(lines.length, facts!.steps);
  assert.ok(ways.size > lines.length);
});

test("a route's scores: exact, right up to the first wrong line, and whether there is a block", () => {
  const gold = "a\nb\nc\nd";
  assert.deepEqual(scoreRoute("<Route>\n a\nb \nc\nd\n</Route> x", gold), { score: 1, partial: 1, extracted: 1 });
  assert.deepEqual(scoreRoute("<Route>\na\nb\nx\nd", gold), { score: 0, partial: 1 / 2, extracted: 1 });
  assert.deepEqual(scoreRoute("<Route>\na\nb\nc\nd\ne", gold), { score: 0, partial: 1, extracted: 1 });
  assert.deepEqual(scoreRoute("a\nb\nc\nd", gold), { score: 0, partial: 0, extracted: 0 });
});
