/** All tasks, one line a family. */
import { InputError } from "../../runtime/errors.ts";
import type { Task } from "../types.ts";
import { babilongTasks } from "./babilong/index.ts";
import { codeTasks } from "./code/index.ts";
import { inContextLearningTasks } from "./in-context-learning/index.ts";
import { infiniteBenchTasks } from "./infinitebench/index.ts";
import { latentTasks } from "./latent/index.ts";
import { longOutputTasks } from "./long-output/index.ts";
import { lostInTheMiddleTasks } from "./lost-in-the-middle/index.ts";
import { needleTasks } from "./needle/index.ts";
import { ragTasks } from "./rag/index.ts";
import { rulerTasks } from "./ruler/index.ts";

export const tasks: readonly Task[] = [
  ...rulerTasks,
  ...needleTasks,
  ...lostInTheMiddleTasks,
  ...latentTasks,
  ...babilongTasks,
  ...infiniteBenchTasks,
  ...codeTasks,
  ...inContextLearningTasks,
  ...longOutputTasks,
  ...ragTasks,
];

/** Tasks by id or family, in the order of the registry. A family leaves out those whose file the user did not give. */
export function findTasks(names: readonly string[], files: ReadonlyMap<string, string>): Task[] {
  for (const name of names) {
    const needed = tasks.find(({ id }) => id === name)?.needsFile;
    if (needed !== undefined && !files.has(needed))
      throw new InputError(`${name}: expected a file of yours, got none. Pass --data ${needed}=FILE.`);
    if (tasks.some(({ id, family }) => id === name || family === name)) continue;
    throw new InputError(
      `eval: expected a task or family, got "${name}". \`longspan eval tasks\` lists them${nearest(name)}.`,
      { got: name },
    );
  }
  return tasks.filter(
    ({ id, family, needsFile }) =>
      names.includes(id) || (names.includes(family) && (needsFile === undefined || files.has(needsFile))),
  );
}

function nearest(name: string): string {
  const close = tasks.filter(({ id }) => id.includes(name) || name.includes(id)).map(({ id }) => id);
  return close.length > 0 ? ` (did you mean ${close.slice(0, 3).join(", ")}?)` : "";
}
