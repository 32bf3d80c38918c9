/** Long answers: prompt and answer share the length, and the answer is expected to take about half of it or a third. */
import type { Task } from "../../types.ts";
import { outNumbered } from "./numbered.ts";
import { outPath } from "./path.ts";

export const longOutputTasks: readonly Task[] = [outNumbered, outPath];
