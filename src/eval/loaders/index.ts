/** Loaders for files that a user has, by the name of their benchmark: each makes a task whose samples are the file's. */
import type { Loader } from "./file-task.ts";
import { helmet } from "./helmet.ts";
import { infiniteBench } from "./infinitebench.ts";
import { longBench, longBench2, longBench2WithoutContext } from "./longbench.ts";
import { loogle } from "./loogle.ts";
import { samplesFile } from "./samples-file.ts";

export type { FileTask, Loader, LoadOptions } from "./file-task.ts";

export const loaders: Readonly<Record<string, Loader>> = Object.fromEntries(
  [samplesFile, longBench, longBench2, longBench2WithoutContext, loogle, infiniteBench, helmet].map((loader) => [
    loader.id,
    loader,
  ]),
);
