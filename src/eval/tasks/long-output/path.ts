/**
 * A route through a map of one-way connections, written out step by step: path_traversal of LongProc (Ye et al. 2025,
 * https://arxiv.org/abs/2501.05414). Every city but the last has one connection, so there is one route; a third as many
 * further cities lead somewhere, and nothing leads to them from the route.
 */
import type { Random, Score, Task } from "../../types.ts";
import { type LongAnswer, withRoom } from "./room.ts";
import { fillIn, words } from "./words.ts";

const FEWEST_STEPS = 4;
const SIDE_CITIES = 1 / 3;

const { path } = words;
const numCities = path.cityBeginnings.length * path.cityEndings.length;

export const outPath: Task = {
  id: "out_path",
  family: "long-output",
  version: 1,
  summary: "Writes a route of many steps through a map of one-way connections (LongProc's path traversal)",
  source: words.source,
  license: words.license,
  cell: (cell) => withRoom(cell, pathOf, FEWEST_STEPS, Math.floor((numCities - 1) / (1 + SIDE_CITIES)) - 1),
  score: (output, { references }) => scoreRoute(output, references[0]),
};

function pathOf(steps: number, random: Random): LongAnswer {
  const numSide = Math.ceil(steps * SIDE_CITIES);
  const cities = random.fork("cities").sample(allCities, steps + 1 + numSide);
  const [route, side] = [cities.slice(0, steps + 1), cities.slice(steps + 1)];
  const edges = random.fork("edges");
  const edge = (from: string, to: string) => ({ from, to, method: edges.pick(path.methods) });
  const taken = route.slice(1).map((to, i) => edge(route[i], to));
  const others = side.map((from) => {
    let to = from;
    while (to === from) to = edges.pick(cities);
    return edge(from, to);
  });
  const lines = random
    .fork("order")
    .shuffle([...taken, ...others])
    .map((values) => fillIn(path.edge, values));
  const gold = taken.map((values) => fillIn(path.step, values)).join("\n");
  return {
    draft: {
      parts: {
        context: fillIn(path.prompt, { city_context: [path.opening, ...lines].join("\n") }),
        question: fillIn(path.question, { src_city: route[0], dst_city: route[steps] }),
      },
      references: [gold],
      stop: ["</Route>"],
      facts: { steps, cities: cities.length },
    },
    expected: `<Route>\n${gold}\n</Route>`,
  };
}

const allCities = path.cityBeginnings.flatMap((beginning) => path.cityEndings.map((ending) => beginning + ending));

/**
 * score: the block is the route exactly. partial: lines right before the first wrong one. (LongProc counts that wrong
 * line as well.) extracted: there was a block; its end may be missing, as generation stops there.
 */
export function scoreRoute(output: string, gold: string): Score {
  const [, block] = /<Route>([\s\S]*?)(?:<\/Route>|$)/.exec(output) ?? [];
  const linesOf = (text: string) =>
    text
      .trim()
      .split("\n")
      .map((line) => line.trim());
  const [produced, expected] = [linesOf(block ?? ""), linesOf(gold)];
  const wrong = expected.findIndex((line, i) => line !== produced[i]);
  return {
    score: wrong === -1 && produced.length === expected.length ? 1 : 0,
    partial: (wrong === -1 ? expected.length : wrong) / expected.length,
    extracted: block === undefined ? 0 : 1,
  };
}
