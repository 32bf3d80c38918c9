/** The runs of a report: their names, told apart by what differs in their plans, and how to find things in them. */
import { droppingDefaults } from "../../../context/cache/plan.ts";
import type { CellSummary, FamilySummary, MacroSummary, Summary, TaskSummary } from "../../summary/types.ts";
import type { Row, RunInfo } from "../../types.ts";

export interface ReportRun {
  readonly info: RunInfo;
  readonly rows: readonly Row[];
  readonly summary: Summary;
}

export interface Named {
  /** Unique in the report. */
  readonly name: string;
  /** Index of the run: its colour in all charts. */
  readonly series: number;
}

export interface NamedRun extends ReportRun, Named {}

export function nameRuns<R extends Pick<ReportRun, "info">>(runs: readonly R[]): (R & Named)[] {
  const usual = leaves({ cache: droppingDefaults });
  const plans = runs.map(({ info }) => {
    return new Map([...leaves(info.plan)].filter(([path, value]) => usual.get(path) !== value));
  });
  const isOneBackend = distinct(runs.map(({ info }) => info.backend.name)).length === 1;
  const names = runs.map(({ info }, i) => {
    const alike = plans.filter((_, j) => j !== i && runs[j].info.backend.name === info.backend.name);
    const own = [...plans[i]].filter(([path, value]) => alike.some((plan) => plan.get(path) !== value));
    const differing = own.map(([path, value]) => `${path} ${value}`);
    return (isOneBackend && own.length > 0 ? differing : [info.backend.name, ...differing]).join(" · ");
  });
  return runs.map((run, series) => {
    const isUnique = names.filter((name) => name === names[series]).length === 1;
    return { ...run, series, name: isUnique ? names[series] : `${names[series]} · ${run.info.id}` };
  });
}

/** What was evaluated, in one line: the model where it is one, then how the runs differ. */
export function titleOf(runs: readonly NamedRun[]): string {
  const backends = distinct(runs.map(({ info }) => info.backend.name));
  const names = runs.map(({ name }) => name);
  if (backends.length > 1 || names.some((name) => name.startsWith(backends[0]))) return names.join(" and ");
  return `${backends[0]}: ${names.join(" and ")}`;
}

/** In order of first appearance. */
export function familiesOf(runs: readonly NamedRun[]): string[] {
  return distinct(runs.flatMap(({ summary }) => summary.families.map(({ family }) => family)));
}

export function tasksOf(runs: readonly NamedRun[], family: string): string[] {
  return distinct(runs.flatMap((run) => findFamily(run, family)?.tasks.map(({ task }) => task) ?? []));
}

/** Ascending. */
export function lengthsOf(runs: readonly NamedRun[]): number[] {
  return distinct(runs.flatMap(({ summary }) => summary.lengths)).sort((a, b) => a - b);
}

export function findFamily(run: NamedRun, family: string): FamilySummary | undefined {
  return run.summary.families.find((entry) => entry.family === family);
}

export function findTask(run: NamedRun, family: string, task: string): TaskSummary | undefined {
  return findFamily(run, family)?.tasks.find((entry) => entry.task === task);
}

export function findCell(run: NamedRun, family: string, task: string, length: number): CellSummary | undefined {
  return findTask(run, family, task)?.cells.find((cell) => cell.length === length);
}

export function findMacro(run: NamedRun, family: string, length: number): MacroSummary | undefined {
  return findFamily(run, family)?.macros.find((macro) => macro.length === length);
}

export function distinct<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}

/** Values of nested JSON by their dotted paths. */
function leaves(value: unknown, path = ""): Map<string, string> {
  if (value === undefined) return new Map();
  if (typeof value !== "object" || value === null) return new Map([[path, String(value)]]);
  return new Map(
    Object.entries(value).flatMap(([key, inner]) => [...leaves(inner, path === "" ? key : `${path}.${key}`)]),
  );
}
