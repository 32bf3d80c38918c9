/** UUID pairs on one line, as many as fill the length; the place of the one asked for goes through 11 depths. */
import { readJson } from "../../data.ts";
import type { Draft, Score, Task } from "../../types.ts";
import { type KeyValueTexts, keyValueCell } from "../lost-in-the-middle/key-value.ts";
import { depths } from "../needle/grid.ts";

const { source, license, keyValue } = readJson<{ source: string; license: string; keyValue: KeyValueTexts }>(
  "infinitebench.json",
);

export const ibKv: Task = {
  id: "ib_kv",
  family: "infinitebench",
  version: 1,
  summary: "the value of one key among UUID pairs on one line, at 11 depths",
  source,
  license,
  sweepsDepth: true,
  cell: (cell) => keyValueCell(cell, keyValue, { bins: depths.length }),
  score,
};

/** Right if the value is one of the words of the answer. */
function score(output: string, { references }: Draft): Score {
  const words = output.replace(/[\n:"'.,?!{}]/g, " ").split(/\s+/);
  return { score: words.includes(references[0]) ? 1 : 0 };
}
