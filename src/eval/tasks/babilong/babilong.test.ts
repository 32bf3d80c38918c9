import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createTextCell, haystackOf, nonsense } from "../../../../test/support/text-cell.ts";
import { createRandom } from "../../random.ts";
import type { Draft } from "../../types.ts";
import { backgroundOf } from "./background.ts";
import { mostHops, tellHops } from "./hops.ts";
import { babilongTasks } from "./index.ts";
import { scorePlace } from "./score.ts";
import { type Story, tellStory } from "./story.ts";
import { words } from "./words.ts";

const { places } = words.world;
const runs = { numRuns: 40, seed: 1 };
const seeds = fc.integer({ min: 0, max: 1e6 });

/** What a reader of the sentences knows at the end: where persons are, who carries what, where items have been. */
function read(facts: readonly string[]) {
  const at = new Map<string, string>();
  const carrier = new Map<string, string>();
  const been = new Map<string, string[]>();
  const see = (object: string, place: string | undefined) => {
    const all = been.get(object) ?? [];
    if (place !== undefined && all.at(-1) !== place) been.set(object, [...all, place]);
  };
  const itemsOf = (actor: string) => [...carrier].filter(([, who]) => who === actor).map(([object]) => object);
  for (const fact of facts) {
    const [actor] = fact.split(" ");
    const [, receiver] = /handed over all s?he carried to (\w+)\./.exec(fact) ?? [];
    const [, moved] = /(?:moved|went|journeyed|travelled|went back) to the (\w+)\./.exec(fact) ?? [];
    const [, left, where] = /left the (\w+) in the (\w+)\./.exec(fact) ?? [];
    const [, got] = /(?:got|grabbed|picked up|took) the (\w+)(?: there)?\./.exec(fact) ?? [];
    const [, dropped] = /(?:dropped|discarded|put down|left) the (\w+)(?: there)?\./.exec(fact) ?? [];
    if (receiver !== undefined) for (const object of itemsOf(actor)) carrier.set(object, receiver);
    else if (moved !== undefined) {
      at.set(actor, moved);
      for (const object of itemsOf(actor)) see(object, moved);
    } else if (left !== undefined) see(left, where);
    else if (got !== undefined) {
      carrier.set(got, actor);
      see(got, at.get(actor));
    } else if (dropped !== undefined) carrier.delete(dropped);
    else assert.fail(`unread: ${fact}`);
  }
  const placeOf = (object: string) => {
    const actor = carrier.get(object);
    return actor === undefined ? been.get(object)?.at(-1) : at.get(actor);
  };
  return { at, been, placeOf };
}

/** All answers that the facts allow. */
function answersTo(question: string, facts: readonly string[]): string[] {
  const { at, been, placeOf } = read(facts);
  const [, object, before] = /^Where was the (\w+) before the (\w+)\?$/.exec(question) ?? [];
  if (object !== undefined) {
    const all = been.get(object) ?? [];
    return [...new Set(all.slice(1).flatMap((place, i) => (place === before ? [all[i]] : [])))];
  }
  const [, item] = /^Where is the (\w+)\?$/.exec(question) ?? [];
  const place = item !== undefined ? placeOf(item) : at.get(/^Where is (\w+)\?$/.exec(question)![1]);
  return place === undefined ? [] : [place];
}

const withFacts = (story: Story, indices: Iterable<number>) => [...indices].map((i) => story.facts[i]);

test("bAbI stories: reading every fact gives the one answer, and so do the supporting facts alone (fast-check)", () => {
  for (const kind of ["actor", "object", "before"] as const)
    fc.assert(
      fc.property(seeds, (seed) => {
        const story = tellStory(kind, createRandom(kind, seed), 40);
        assert.deepEqual(answersTo(story.question, story.facts), [story.place]);
        assert.deepEqual(answersTo(story.question, withFacts(story, story.supports)), [story.place]);
        assert.ok(story.facts.length <= 40);
      }),
      runs,
    );
});

test("a chain of k hops needs exactly k facts: they suffice, and without any one the answer is lost, k = 1 to 5", () => {
  assert.equal(mostHops, 5);
  for (let hops = 1; hops <= mostHops; hops++)
    fc.assert(
      fc.property(seeds, (seed) => {
        const story = tellHops(hops, createRandom("hops", hops, seed));
        assert.equal(story.supports.length, hops);
        assert.deepEqual(answersTo(story.question, story.facts), [story.place]);
        assert.deepEqual(answersTo(story.question, withFacts(story, story.supports)), [story.place]);
        for (const missing of story.supports) {
          const rest = story.facts.filter((_, i) => i !== missing);
          assert.ok(
            !answersTo(story.question, rest).includes(story.place),
            `still known without: ${story.facts[missing]}`,
          );
        }
      }),
      runs,
    );
});

test("every place is the answer about equally often: none of the six above 30 % of 300", () => {
  for (const tell of [
    (seed: number) => tellStory("object", createRandom(seed), 40),
    (seed: number) => tellHops(3, createRandom(seed)),
  ]) {
    const counts = new Map<string, number>();
    for (let seed = 0; seed < 300; seed++) {
      const { place } = tell(seed);
      counts.set(place, (counts.get(place) ?? 0) + 1);
    }
    assert.equal(counts.size, places.length);
    assert.ok(Math.max(...counts.values()) < 90, JSON.stringify([...counts]));
  }
});

const hidden = ({ parts }: Draft) => parts.context.split("<context>\n")[1].split("\n</context>")[0];

test("samples fill 99 to 100 % of the length and hold their facts in order, each once, in every task", () => {
  for (const task of babilongTasks)
    for (const length of [768, 3000]) {
      const cell = createTextCell(length);
      const draft = task.cell(cell)(3);
      const fill = (cell.promptTokens(draft.parts) + draft.maxTokens) / length;
      assert.ok(fill >= 0.99 && fill <= 1, `${task.id} at ${length}: ${fill}`);
      const needles = draft.needles!.map(({ start, end }) => draft.parts.context.slice(start, end));
      assert.equal(needles.length, draft.facts!.supports);
      for (const needle of needles) assert.match(needle, /^[A-Z]\w+ .*\.$/);
      // Nothing but facts names the world: what is read from the whole text is what is read from the facts.
      const told = hidden(draft).match(/(?:John|Mary|Sandra|Daniel|Fred|Julie)[^.]*\./g)!;
      assert.equal(told.length, draft.facts!.facts);
      assert.deepEqual(answersTo(draft.parts.question, told), draft.references);
      assert.ok(draft.depth! > 0 && draft.depth! < 1);
    }
});

test("sample 7 depends on nothing but its index, and other seeds tell other stories", () => {
  for (const task of babilongTasks) {
    const alone = task.cell(createTextCell(1000, { count: 50 }))(7);
    const samples = task.cell(createTextCell(1000));
    for (const i of [2, 9]) samples(i);
    assert.deepEqual(samples(7), alone);
    assert.notDeepEqual(task.cell(createTextCell(1000, { seed: 2 }))(7), alone);
  }
});

test("the full answer scores 1, any other place 0, and so does naming two places", () => {
  for (const task of babilongTasks) {
    const draft = task.cell(createTextCell(1000))(0);
    const answer = String(draft.facts!.answer);
    const [place] = draft.references;
    const other = places.find((name) => name !== place && !draft.parts.question.includes(name))!;
    assert.equal(task.score(answer, draft).score, 1);
    assert.equal(task.score(` ${answer}\nQuestion: Where is the milk? ${other}`, draft).score, 1);
    assert.equal(task.score(answer.replace(`${place}.`, `${other}.`), draft).score, 0);
    assert.equal(task.score(`${other} or ${place}`, draft).score, 0);
    assert.equal(task.score("", draft).score, 0);
  }
  assert.deepEqual(scorePlace("I do not know. The kitchen", "Where is Mary?", "kitchen"), { score: 0, contains: 1 });
});

test("the background has only sentences of 10 words that do not name the world; the last is cut to the word", () => {
  const long = "seven more words to make ten of them now";
  const background = backgroundOf(
    haystackOf([
      `Too short.`,
      `Mary ${long}.`,
      `In two gardens ${long}.`,
      `An Office ${long}.`,
      `The maryland ${long}.`,
    ]),
  );
  assert.equal(background.count, 1);
  assert.deepEqual(background.sentences(0, 14), [`The maryland ${long}.`, "The maryland seven."]);
  assert.throws(
    () => backgroundOf(haystackOf(["Too short."])),
    /haystack test: expected sentences of 10 words or more/,
  );
  assert.ok(backgroundOf(nonsense).count > 100);
});
