/**
 * RULER's eight needle tasks: sentences "One of the special magic numbers for KEY is: VALUE." in a repeated noise, in
 * an essay, or among other such sentences; the values of one or several keys are asked for.
 *
 * Source: NVIDIA/RULER, scripts/data/synthetic/niah.py (facts; arXiv 2404.06654, section 3).
 */
import { filled } from "../../fill.ts";
import { stringMatchAll } from "../../score/string-match.ts";
import type { Haystack, Random, Task } from "../../types.ts";
import { ask, budget, interleave, joinPieces, type Passage, type Unbudgeted } from "./passage.ts";
import { describeTask, fillIn, type NeedleTemplate, type Profile } from "./profiles.ts";
import { type Compounds, readCompounds } from "./words.ts";

type Kind = "words" | "numbers" | "uuids";

export interface NiahOptions {
  readonly haystack: "noise" | "essay" | "needle";
  readonly keyKind: Kind;
  readonly valueKind: Kind;
  readonly keys: number;
  readonly valuesPerKey: number;
  /** Keys that are asked for. */
  readonly queries: number;
}

/** Depths in percent at which needles stand in an essay: 40 of equal distance, rounded. */
const depths = Array.from({ length: 40 }, (_, i) => Math.round((100 * i) / 39));

export function niahTask(id: string, summary: string, options: NiahOptions, profile: Profile): Task {
  const template = profile.templates.niah;
  return {
    ...describeTask(id, summary, profile),
    sweepsDepth: options.queries * options.valuesPerKey === 1,
    cell(cell) {
      const compounds = readCompounds();
      const essay = essayOf(cell.haystack);
      const build = (units: number, random: Random) =>
        budget(cell, profile, template, niah(template, options, { units, random, compounds, essay }));
      return filled(cell, build, { least: options.keys * options.valuesPerKey });
    },
    score: (output, { references }) => ({ score: stringMatchAll(output, references) }),
  };
}

interface Needle {
  readonly key: number;
  readonly text: string;
}

export interface NiahSources {
  /** Words of an essay; lines of anything else. */
  readonly units: number;
  readonly random: Random;
  readonly compounds: Compounds;
  /** The sentences of the essay's first words. */
  readonly essay: (words: number) => readonly string[];
}

/** One sample. Draws in the official order: keys with their values, haystack, places, queries. */
export function niah(template: NeedleTemplate, options: NiahOptions, sources: NiahSources): Unbudgeted {
  const { units, random, compounds, essay } = sources;
  const { haystack, keyKind, valueKind, valuesPerKey, queries } = options;
  const sentences = haystack === "essay" ? essay(units) : [];
  const seen = new Set<string>();
  const sentenceOf = (key: string, value: string) => fillIn(template.needle, { type_needle_v: valueKind, key, value });

  /** Never the same twice, which the official generator leaves to chance. */
  function draw(kind: Kind): string {
    for (;;) {
      const drawn = drawOf(kind, random, compounds);
      if (seen.has(drawn) || sentences.some((sentence) => sentence.includes(drawn))) continue;
      seen.add(drawn);
      return drawn;
    }
  }

  const keys: string[] = [];
  const values: string[][] = [];
  const needles: Needle[] = [];
  for (let key = 0; key < options.keys; key++) {
    keys.push(draw(keyKind));
    values.push(Array.from({ length: valuesPerKey }, () => draw(valueKind)));
    for (const value of values[key]) needles.push({ key, text: sentenceOf(keys[key], value) });
  }
  const shuffled = random.fork("order").shuffle(needles);

  const hide =
    haystack === "essay"
      ? hideInEssay(sentences, shuffled, random)
      : hideInLines(
          Array.from({ length: units }, () =>
            haystack === "noise" ? template.noise : sentenceOf(draw(keyKind), draw(valueKind)),
          ),
          shuffled,
          random,
        );
  const asked = random.sample(
    keys.map((_, key) => key),
    queries,
  );
  const isSingle = queries * valuesPerKey === 1;
  return ask(
    isSingle ? inSingular(template) : template,
    hide(new Set(asked)),
    {
      type_needle_v: isSingle ? valueKind.slice(0, -1) : valueKind,
      query: inWords(asked.map((key) => keys[key])),
    },
    {
      references: asked.flatMap((key) => values[key]),
      facts: { haystack, units, keys: options.keys, valuesPerKey, queries },
    },
  );
}

function drawOf(kind: Kind, random: Random, compounds: Compounds): string {
  if (kind === "numbers") return String(random.between(1e6, 1e7 - 1));
  if (kind === "uuids") return random.uuid();
  return compounds.at(random.int(compounds.length));
}

/** Gives a passage with the needles of these keys marked. */
type Hide = (asked: ReadonlySet<number>) => Passage;

/** At depths of the sentences. Sentences between two needles are one piece, which may be empty: official spacing. */
function hideInEssay(sentences: readonly string[], needles: readonly Needle[], random: Random): Hide {
  const places = random
    .sample(depths, needles.length)
    .map((depth) => Math.trunc(sentences.length * (depth / 100)))
    .sort((a, b) => a - b);
  const pieces = places.flatMap((place, j) => [sentences.slice(places[j - 1] ?? 0, place).join(" "), needles[j].text]);
  pieces.push(sentences.slice(places.at(-1)).join(" "));
  return (asked) =>
    joinPieces(
      pieces,
      " ",
      needles.flatMap(({ key }, j) => (asked.has(key) ? [2 * j + 1] : [])),
    );
}

/** Before random lines; officially the first needle takes the last place. */
function hideInLines(lines: readonly string[], needles: readonly Needle[], random: Random): Hide {
  const places = random.sample([...lines.keys()], needles.length).sort((a, b) => a - b);
  const inOrder = needles.toReversed();
  const pieces = interleave(
    lines,
    places,
    inOrder.map(({ text }) => text),
  );
  return (asked) =>
    joinPieces(
      pieces,
      "\n",
      inOrder.flatMap(({ key }, j) => (asked.has(key) ? [places[j] + j] : [])),
    );
}

/** The official rewriting where one value is asked for, on the task's own words only: never on chat markup or haystack. */
function inSingular(template: NeedleTemplate): NeedleTemplate {
  const singular = (text: string) =>
    text.replaceAll("Some", "A").replaceAll("are all", "is").replaceAll("are", "is").replaceAll("answers", "answer");
  return {
    ...template,
    context: singular(template.context),
    question: singular(template.question),
    answerPrefix: singular(template.answerPrefix),
  };
}

function inWords(keys: readonly string[]): string {
  return keys.length === 1 ? keys[0] : `${keys.slice(0, -1).join(", ")}, and ${keys.at(-1)}`;
}

/** Sentences of the first words of a haystack, which begins again at its end; the last one is cut. */
export function essayOf({ sentences }: Pick<Haystack, "sentences">): (words: number) => string[] {
  const lengths: number[] = [];
  const lengthAt = (index: number) => (lengths[index] ??= sentences[index].split(" ").length);
  return (words) => {
    const taken: string[] = [];
    let left = words;
    for (let i = 0; left > 0; i = (i + 1) % sentences.length) {
      const whole = lengthAt(i) <= left;
      taken.push(whole ? sentences[i] : sentences[i].split(" ").slice(0, left).join(" "));
      left -= lengthAt(i);
    }
    return taken;
  };
}
