/** Loaders for files that a user has, by the name of their benchmark: each makes a task whose samples are the file's. */
import type { FileFormat, FileTask, LoadOptions } from "./file-task.ts";
import { helmet } from "./helmet.ts";
import { infiniteBench } from "./infinitebench.ts";
import { longBench, longBench2, longBench2WithoutContext } from "./longbench.ts";
import { loogle } from "./loogle.ts";
import { samplesFile } from "./samples-file.ts";

export type { FileFormat, FileTask, LoadOptions } from "./file-task.ts";

export type Loader = (path: string, options?: LoadOptions) => Promise<FileTask>;

export const fileFormats: readonly FileFormat[] = [
  samplesFile,
  longBench,
  longBench2,
  longBench2WithoutContext,
  loogle,
  infiniteBench,
  helmet,
];

export const loaders: Readonly<Record<string, Loader>> = Object.fromEntries(
  fileFormats.map(({ id, load }) => [id, load]),
);
