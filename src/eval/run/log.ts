/**
 * A run's folder: run.json says what was asked for, results.jsonl has one line for every answered sample. Lines are only
 * ever appended, whole, so that whatever kills the process leaves at most one broken line at the end.
 */
import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { InputError } from "../../runtime/errors.ts";
import type { Row, RunInfo } from "../types.ts";

export interface RunLog {
  readonly folder: string;
  /** Rows of earlier starts. */
  readonly rows: readonly Row[];
  append(row: Row): void;
  close(): void;
}

const RESULTS = "results.jsonl";

/** Starts a run in a new folder, or goes on with the run that is in it if `resume`. */
export function openLog(folder: string, info: RunInfo, { resume }: { resume: boolean }): RunLog {
  const path = join(folder, RESULTS);
  const exists = existsSync(join(folder, "run.json"));
  if (exists && !resume)
    throw new InputError(`${folder}: holds a run already. Pass --resume to go on with it, or another --out.`);
  mkdirSync(folder, { recursive: true });
  const merged = exists ? mergeInfo(folder, readInfo(folder), info) : info;
  writeWhole(join(folder, "run.json"), `${JSON.stringify(merged, undefined, 2)}\n`);
  const rows = existsSync(path) ? mendRows(path) : [];
  const file = openSync(path, "a");
  return {
    folder,
    rows,
    append: (row) => writeSync(file, `${JSON.stringify(row)}\n`),
    close: () => closeSync(file),
  };
}

/** A run with its rows in the order of its tasks, whatever order they were answered in. */
export function readRun(folder: string): { info: RunInfo; rows: Row[] } {
  const path = join(folder, RESULTS);
  const info = readInfo(folder);
  const rows = existsSync(path) ? parseRows(readFileSync(path, "utf8"), path).rows : [];
  const place = new Map(info.tasks.map(({ id }, i) => [id, i]));
  const placeOf = ({ task }: Row) => place.get(task) ?? place.size;
  rows.sort((a, b) => placeOf(a) - placeOf(b) || a.length - b.length || a.index - b.index);
  return { info, rows };
}

function readInfo(folder: string): RunInfo {
  const path = join(folder, "run.json");
  if (!existsSync(path))
    throw new InputError(
      `${folder}: expected the folder of a run, with a run.json, got none. Pass the --out of \`longspan eval run\`.`,
    );
  return JSON.parse(readFileSync(path, "utf8")) as RunInfo;
}

/** The rows, after what a killed process left of a line at the end has been cut off. */
function mendRows(path: string): Row[] {
  const { rows, wholeBytes } = parseRows(readFileSync(path, "utf8"), path);
  const file = openSync(path, "r+");
  ftruncateSync(file, wholeBytes);
  closeSync(file);
  return rows;
}

function parseRows(text: string, path: string): { rows: Row[]; wholeBytes: number } {
  const end = text.lastIndexOf("\n") + 1;
  const lines = text.slice(0, end).split("\n").slice(0, -1);
  const rows = lines.map((line, i) => {
    try {
      return JSON.parse(line) as Row;
    } catch {
      throw new InputError(
        `${path}: line ${i + 1}: expected JSON, got "${line.slice(0, 60)}". Remove the line and resume.`,
      );
    }
  });
  return { rows, wholeBytes: Buffer.byteLength(text.slice(0, end)) };
}

/** What a run and its continuation were asked for together: a later start may add tasks, lengths and samples. */
function mergeInfo(folder: string, before: RunInfo, now: RunInfo): RunInfo {
  expectSameRun(folder, before, now);
  const known = new Set(before.tasks.map(({ id }) => id));
  return {
    ...before,
    tasks: [...before.tasks, ...now.tasks.filter(({ id }) => !known.has(id))],
    lengths: [...new Set([...before.lengths, ...now.lengths])].sort((a, b) => a - b),
    samples: mostOfEach(before.samples, now.samples),
  };
}

function mostOfEach(a: RunInfo["samples"], b: RunInfo["samples"]): RunInfo["samples"] {
  const lengths = new Set([...Object.keys(a), ...Object.keys(b)]);
  return Object.fromEntries([...lengths].map((length) => [length, Math.max(a[length] ?? 0, b[length] ?? 0)]));
}

/** A resumed run must be able to say of all its rows the same thing. */
function expectSameRun(folder: string, before: RunInfo, now: RunInfo): void {
  const facts = (info: RunInfo) => ({
    model: info.backend.fingerprint,
    mode: info.mode,
    seed: info.seed,
    haystack: info.haystack.sha256,
  });
  const [was, is] = [facts(before), facts(now)];
  for (const name of Object.keys(was) as (keyof typeof was)[])
    if (was[name] !== is[name])
      throw new InputError(
        `${folder}: expected the ${name} of the run that is to be resumed (${was[name]}), got another (${is[name]}). ` +
          "Give the same options, or another --out.",
        { expected: was[name], got: is[name] },
      );
}

function writeWhole(path: string, text: string): void {
  writeFileSync(`${path}.part`, text);
  renameSync(`${path}.part`, path);
}
