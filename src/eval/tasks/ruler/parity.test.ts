/**
 * Our generators with Python's random numbers, against what RULER's own scripts made (test/golden/eval/ruler/README.md).
 * The fill search of those scripts draws from the same generator, so all their calls are replayed in order.
 *
 * Sentences of the essay were split there by a regular expression instead of NLTK's model, and are so here: the two
 * splitters differ, and the place of a needle depends on them.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { createNumpyRandom, createPythonRandom } from "../../python-random.ts";
import type { Random } from "../../types.ts";
import { commonWords } from "./common-words.ts";
import { frequentWords } from "./frequent-words.ts";
import { niahVariants } from "./index.ts";
import { essayOf, niah } from "./niah.ts";
import type { Unbudgeted } from "./passage.ts";
import { readProfiles } from "./profiles.ts";
import { drawChain, drawLayout, type Layout, variableTracking } from "./variable-tracking.ts";
import { readCompounds, readVocabulary } from "./words.ts";

interface OfficialSample {
  readonly call: number;
  readonly sha256: string;
  readonly head: string;
  readonly tail: string;
  readonly answerPrefix: string;
  readonly outputs: readonly string[];
}

interface OfficialTask<Call> {
  readonly length: number;
  readonly calls: readonly Call[];
  readonly samples: readonly OfficialSample[];
}

const golden = JSON.parse(readFileSync("test/golden/eval/ruler/official.json", "utf8"));
const text = readFileSync("test/golden/logits/text.txt", "utf8").replace(/\s+/g, " ").trim();
const essay = essayOf({ sentences: text.slice(0, text.search(/[.!?][^.!?]*$/) + 1).split(/(?<=[.!?]) /) });
const { templates } = readProfiles()[0];
const compounds = readCompounds();

/** Replays all calls; those that became samples must be the official ones, string for string. */
function replay<Call>({ calls, samples }: OfficialTask<Call>, make: (call: Call) => Unbudgeted | undefined): void {
  const drafts = calls.map(make);
  assert.ok(samples.length >= 3);
  for (const official of samples) {
    const { parts, references } = drafts[official.call]!;
    const prompt = parts.context + parts.question + parts.answerPrefix;
    assert.equal(prompt.slice(0, official.head.length), official.head);
    assert.equal(prompt.slice(-official.tail.length), official.tail);
    assert.equal(createHash("sha256").update(prompt).digest("hex"), official.sha256);
    assert.equal(parts.answerPrefix, official.answerPrefix);
    assert.deepEqual(references, official.outputs);
  }
}

for (const [id, options] of Object.entries(niahVariants))
  test(`${id}: three prompts of 4096 are the official ones, string for string`, () => {
    const random = createPythonRandom(golden.seed);
    replay<number>(golden.tasks[id], (units) => niah(templates.niah, options, { units, random, compounds, essay }));
  });

test("vt: three prompts of 4096 with their example are the official ones, string for string", () => {
  const random = createPythonRandom(golden.seed);
  const numpy = createNumpyRandom(golden.seed);
  const drawValue = () => numpy.between(10000, 99998);
  const template = templates.variable_tracking;
  let example: Layout | undefined;
  replay<[number, "example" | "passage" | "sample"]>(golden.tasks.vt, ([units, kind]) => {
    if (kind !== "example")
      return variableTracking(template, { units, random, drawValue, example: kind === "sample" ? example : undefined });
    // The example's value is 12345 officially, so none is drawn.
    drawChain(random, 3, () => 12345);
    example = drawLayout(random, units);
  });
});

for (const length of [2048, 4096])
  test(`cwe: three prompts of ${length} with their example are the official ones, string for string`, () => {
    const random = createPythonRandom(golden.seed);
    const vocabulary = createPythonRandom(golden.seed).shuffle(readVocabulary());
    replay<number>(golden.tasks[`cwe ${length}`], (units) =>
      commonWords(templates.common_words_extraction, { units, random, vocabulary, length, shots: 1 }),
    );
  });

test("fwe: three prompts of 4096 are the official ones, string for string", () => {
  const random: Random = createPythonRandom(golden.seed);
  replay<[number, number]>(golden.tasks.fwe, ([units, words]) =>
    frequentWords(templates.freq_words_extraction, { units, random, words }),
  );
});

test("adjective-nouns are numbered as in Python's sorted list of all 6,171,620", () => {
  assert.equal(compounds.length, golden.wordCount);
  for (const [index, word] of Object.entries(golden.words)) assert.equal(compounds.at(Number(index)), word);
});
