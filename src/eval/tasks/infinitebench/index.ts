/** The generated tasks of InfiniteBench (Zhang et al. 2024, arXiv 2402.13718), scaled to any length. */
import type { Task } from "../../types.ts";
import { ibCodeRun } from "./code-run.ts";
import { ibKv } from "./key-value.ts";
import { ibMathFind } from "./math-find.ts";
import { ibNumberString, ibPasskey } from "./pass-key.ts";

export const infiniteBenchTasks: Task[] = [ibPasskey, ibNumberString, ibKv, ibMathFind, ibCodeRun];
