/** The small scorers: classification, numbers, choices, parsed answers, rankings, repetition. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { classification, shareOfNumbers } from "./classification.ts";
import { choiceOf } from "./multiple-choice.ts";
import { parsedAnswer } from "./parsed-answer.ts";
import { ndcg, rankingOf } from "./ranking.ts";
import { lengthFollowing, repetition } from "./repetition.ts";

test("classification gives 1/m for m named classes, and forgives parts of the gold name", () => {
  const classes = ["City", "State", "Other location", "location"];
  assert.equal(classification("City", "City", classes), 1);
  assert.equal(classification("City or State", "City", classes), 1 / 2);
  assert.equal(classification("Other location", "Other location", classes), 1);
  assert.equal(classification("Other location", "location", classes), 1 / 2);
  assert.equal(classification("State", "City", classes), 0);
});

test("numbers score their share that is right", () => {
  assert.equal(shareOfNumbers("Paragraph 7, not 17 or 7", "7"), 2 / 3);
  assert.equal(shareOfNumbers("seven", "7"), 0);
});

test("a choice is read with and without brackets and asterisks, and nowhere else", () => {
  assert.equal(choiceOf("**The correct answer is (C)** because"), "C");
  assert.equal(choiceOf("The correct answer is B."), "B");
  assert.equal(choiceOf("I think A"), undefined);
});

test("the parsed answer follows the prefix on its line, or is the first line", () => {
  assert.equal(parsedAnswer("Well.\nlabel: 7\nlabel: 8", "label:"), "7");
  assert.equal(parsedAnswer(" 7\nmore", "label:"), "7");
  assert.equal(parsedAnswer("label: LABEL: 7", "label:"), "7");
  assert.equal(parsedAnswer("", "label:"), "");
});

test("nDCG@2 of a known ranking is (1/log2 3) / (2 + 1/log2 3) and its best order gives 1", () => {
  const relevance = new Map([
    ["1", 0],
    ["2", 1],
    ["3", 2],
  ]);
  assert.deepEqual(rankingOf("Ranking: [ID: 1] > [ID: 2] > 1, then 3"), ["1", "2"]);
  assert.deepEqual(rankingOf("none"), []);
  const expected = 1 / Math.log2(3) / (2 + 1 / Math.log2(3));
  assert.ok(Math.abs(ndcg(["1", "2", "3"], relevance, 2) - expected) < 1e-12);
  assert.equal(ndcg(["3", "2", "1"], relevance, 2), 1);
  assert.equal(ndcg(["9"], relevance, 2), 0);
});

test("repetition tells a loop of 20 words from prose without one", () => {
  const line = Array.from({ length: 20 }, (_, i) => `w${i}`).join(" ");
  assert.deepEqual(repetition(line), { distinct3: 1, repeated: 0, loop: 0 });
  assert.equal(repetition([line, line, line].join(" ")).loop, 0);
  const looped = repetition([line, line, line, line].join(" "));
  assert.equal(looped.loop, 1);
  assert.equal(looped.repeated, 60 / 80);
  assert.equal(looped.distinct3, 20 / 78);
  assert.deepEqual(repetition(""), { distinct3: 1, repeated: 0, loop: 0 });
  assert.equal(lengthFollowing(50, 100), 0.5);
  assert.equal(lengthFollowing(200, 100), 0.5);
});
