/**
 * BABILong's score (babilong/metrics.py): of the output's first sentence, before anything that reads like a new prompt,
 * the places named there and not in the question must be exactly the one asked for. `contains` is the lenient score of
 * lm-evaluation-harness: the place stands anywhere in the output.
 */
import type { Score } from "../../types.ts";
import { words } from "./words.ts";

export function scorePlace(output: string, question: string, place: string): Score {
  const first = output.toLowerCase().split(/\.|<context>|<example>|question/)[0];
  const asked = new Set(placesIn(question));
  const named = placesIn(first).filter((name) => !asked.has(name));
  return {
    score: named.length === 1 && named[0] === place ? 1 : 0,
    contains: output.toLowerCase().includes(place) ? 1 : 0,
  };
}

function placesIn(text: string): string[] {
  return words.world.places.filter((place) => text.toLowerCase().includes(place));
}
