import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createTextCell } from "../../../../test/support/text-cell.ts";
import { InputError } from "../../../runtime/errors.ts";
import { createRandom } from "../../random.ts";
import type { Draft } from "../../types.ts";
import { inContextLearningTasks } from "./index.ts";
import { fits, syntheticIntents } from "./intents.ts";
import { words } from "./words.ts";

const folder = mkdtempSync(join(tmpdir(), "longspan-icl-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const taskOf = (id: string) => inContextLearningTasks.find((task) => task.id === id)!;
const written = (name: string, text: string) => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

/** Demonstrations of a prompt, in order. */
function shotsOf({ parts }: Draft): { text: string; label: string }[] {
  const [, ...items] = parts.context.split("\n\n");
  return items.slice(0, -1).map((item) => {
    const [text, label] = item.split("\nlabel: ");
    return { text, label };
  });
}

test("no sentence of an intent fits a pattern of another, over 100 questions of each", () => {
  const random = createRandom("intents");
  for (let i = 0; i < 2400; i++) {
    const { text, label } = syntheticIntents.question(random);
    const fitting = Object.keys(words.intents).filter((name) => words.intents[name].some((p) => fits(p, text)));
    assert.deepEqual(fitting, [label], text);
  }
});

for (const id of ["icl_natural", "icl_permuted"])
  test(`${id}: 97 to 100 % full, labels balanced to one, the question's label is what its demonstrations say`, () => {
    for (const length of [1000, 4000]) {
      const cell = createTextCell(length);
      const samples = taskOf(id).cell(cell);
      for (let index = 0; index < 5; index++) {
        const draft = samples(index);
        const shots = shotsOf(draft);
        assert.equal(shots.length, draft.facts!.shots);
        const fill = (cell.promptTokens(draft.parts) + draft.maxTokens) / length;
        // One demonstration more has up to 24 tokens.
        assert.ok(fill > 1 - 24 / length && fill <= 1, `${fill}`);

        const counts = new Map<string, number>();
        for (const { label } of shots) counts.set(label, (counts.get(label) ?? 0) + 1);
        assert.equal(counts.size, 24);
        assert.ok(Math.max(...counts.values()) - Math.min(...counts.values()) <= 1);

        // Which intent each label stands for, from the patterns; one to one.
        const intents = new Map<string, Set<string>>();
        for (const { text, label } of shots) {
          const intent = Object.keys(words.intents).find((name) => words.intents[name].some((p) => fits(p, text)))!;
          intents.set(label, (intents.get(label) ?? new Set()).add(intent));
        }
        assert.ok([...intents.values()].every(({ size }) => size === 1));
        assert.deepEqual([...intents.get(draft.references[0])!], [draft.facts!.label]);
        if (id === "icl_natural") assert.equal(draft.references[0], draft.facts!.label);

        // The question's pattern is held out of its own label's demonstrations.
        const pattern = words.intents[String(draft.facts!.label)].find((p) => fits(p, draft.parts.question))!;
        assert.ok(shots.every(({ text, label }) => label !== draft.references[0] || !fits(pattern, text)));
      }
    }
  });

test("numbers are dealt anew for each sample, and sample 3 depends on its index alone", () => {
  const task = taskOf("icl_permuted");
  const samples = task.cell(createTextCell(1000, { count: 99 }));
  const numbersOf = (draft: Draft) =>
    Object.fromEntries(
      shotsOf(draft)
        .slice(0, 24)
        .map(({ text, label }) => [
          Object.keys(words.intents).find((name) => words.intents[name].some((p) => fits(p, text)))!,
          label,
        ]),
    );
  assert.notDeepEqual(numbersOf(samples(0)), numbersOf(samples(1)));
  assert.deepEqual(task.cell(createTextCell(1000))(3), samples(3));
});

test("the gold label scores 1 with or without its prefix, every other label 0", () => {
  for (const id of ["icl_natural", "icl_permuted"]) {
    const task = taskOf(id);
    const draft = task.cell(createTextCell(1000))(0);
    const [gold] = draft.references;
    for (const output of [` ${gold}\nmore`, `label: ${gold}`, `Label: label: ${gold}`])
      assert.equal(task.score(output, draft).score, 1);
    for (const other of new Set(shotsOf(draft).map(({ label }) => label)))
      if (other !== gold) assert.equal(task.score(` ${other}`, draft).score, 0);
    assert.equal(task.score(` ${gold}${gold}`, draft).score, 0);
  }
});

test("less than one round of labels is refused", () => {
  assert.throws(() => taskOf("icl_natural").cell(createTextCell(200))(0), /length: expected at least \d+ tokens/);
});

test("banking77, clinc150 and trec are read as published, and the question is not among the demonstrations", () => {
  const texts = ['a, "quoted" text', "second", "third", "fourth"];
  const csv = texts.flatMap((text) =>
    ["one", "two"].map((label) => `"${text.replaceAll('"', '""')} of ${label}",${label}`),
  );
  const pairs = (part: string) =>
    texts.flatMap((text) => ["one", "two"].map((label) => [`${part} ${text} of ${label}`, label]));
  const files = new Map([
    ["banking77", written("train.csv", `text,category\r\n${csv.join("\r\n")}\r\n`)],
    [
      "clinc150",
      written(
        "data_full.json",
        JSON.stringify({
          train: pairs("train"),
          test: pairs("test"),
          oos_train: [
            ["odd", "oos"],
            ["strange", "oos"],
          ],
          oos_test: [["weird", "oos"]],
        }),
      ),
    ],
    [
      "trec",
      written(
        "train.label",
        texts
          .flatMap((text) => ["HUM:ind", "HUM:desc", "NUM:date"].map((label) => `${label} ${text} of ${label} ?`))
          .join("\n"),
      ),
    ],
  ]);
  const labels: Record<string, number> = { icl_banking77: 2, icl_clinc150: 3, icl_trec: 2, icl_trec_fine: 3 };
  for (const [id, count] of Object.entries(labels)) {
    const task = taskOf(id);
    assert.equal(files.has(task.needsFile!), true);
    const samples = task.cell(createTextCell(400, { files }));
    for (let index = 0; index < 10; index++) {
      const draft = samples(index);
      assert.equal(draft.facts!.labels, count);
      assert.ok(shotsOf(draft).every(({ text }) => text !== draft.parts.question));
      if (id === "icl_banking77")
        assert.match(draft.parts.question, /^(?:a, "quoted" text|second|third|fourth) of (?:one|two)$/);
      if (id === "icl_clinc150") assert.match(draft.parts.question, /^test|weird/);
    }
  }
});

test("absent and malformed files are named, with the place and what was expected", () => {
  const make = (id: string, file?: string) => () => {
    const { needsFile, cell } = taskOf(id);
    return cell(createTextCell(400, { files: new Map(file === undefined ? [] : [[needsFile!, file]]) }));
  };
  const refuses = (run: () => unknown, pattern: RegExp) =>
    assert.throws(run, (error: Error) => error instanceof InputError && pattern.test(error.message));
  refuses(make("icl_banking77"), /^icl_banking77: expected --data banking77=FILE, got none\. Download train\.csv/);
  refuses(make("icl_banking77", join(folder, "none")), /none: expected a readable file, got ENOENT/);
  refuses(make("icl_banking77", written("a.csv", "x,y\n")), /expected a first line text,category, got x,y/);
  refuses(
    make("icl_banking77", written("b.csv", "text,category\na,b\nc\n")),
    /b\.csv row 3: expected two columns, got 1/,
  );
  refuses(make("icl_clinc150", written("a.json", "{")), /a\.json: expected JSON/);
  refuses(
    make("icl_clinc150", written("b.json", '{"train": [["a", 1]]}')),
    /b\.json train\[0\]: expected \[text, intent\], got \["a",1\]/,
  );
  refuses(
    make("icl_trec", written("a.label", "HUM:ind Who ?\nwhat\n")),
    /a\.label line 2: expected COARSE:fine question, got what/,
  );
  refuses(
    make("icl_trec", written("b.label", "HUM:ind Who ?\n")),
    /expected two labels or more with two texts or more, got 1 labels/,
  );
});
