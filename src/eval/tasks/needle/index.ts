/** Needles in a haystack: depth by length. */
import type { Task } from "../../types.ts";
import { needleFact, needleMulti } from "./fact.ts";
import { needleFixed, needleNoContext } from "./fixed.ts";
import { needleKeys, needleSingle, needleValues } from "./shared-text.ts";

export const needleTasks: Task[] = [
  needleFixed,
  needleFact,
  needleMulti,
  needleSingle,
  needleKeys,
  needleValues,
  needleNoContext,
];
