/** What a user sees while a run goes on: how much there is, how long it will take, how far it is. */
import type { RunEvent } from "../../../eval/run/runner.ts";
import { type CellCount, secondsPerWork, WorkMeter } from "../../../eval/run/work.ts";
import type { Backend, Haystack, Row } from "../../../eval/types.ts";
import { describe } from "../../failure.ts";
import { duration, type ProgressBar, progressBar } from "../../progress.ts";
import { formatCount } from "../../statistics.ts";

export interface Watch {
  onEvent(event: RunEvent): void;
  finish(): void;
}

/** Says what there is to do for each of the backends and, from one measured prompt, how long that will take. */
export async function announceRun(
  {
    backends,
    haystack,
    cells,
    rows,
  }: { backends: readonly Backend[]; haystack: Haystack; cells: readonly CellCount[]; rows: readonly Row[] },
  signal: AbortSignal,
): Promise<Watch> {
  const perWork = await secondsPerWork(backends[0], haystack, signal);
  const readings = new Set(backends.map(({ reading }, i) => reading ?? i)).size;
  const read = cells.map(({ length, samples }) => ({ length, samples: samples * readings }));
  const meter = new WorkMeter(read, perWork, () => performance.now() / 1000);
  for (const row of rows) if (!isShared(row)) meter.spared(sizeOf(row), 1);
  const samples = backends.length * cells.reduce((sum, cell) => sum + cell.samples, 0);
  const tokens = read.reduce((sum, cell) => sum + cell.samples * cell.length, 0);
  const done = rows.length > 0 ? `, ${formatCount(rows.length)} of them done` : "";
  process.stderr.write(
    `${formatCount(samples)} ${samples === 1 ? "sample" : "samples"}${done}, at most ${formatCount(tokens)} tokens; predicted time: at most about ${duration(meter.secondsLeft)}\n`,
  );
  return watchRun(meter, samples);
}

/** Of a task that fills its length, about that; of a file's sample, what it has. */
function sizeOf({ promptTokens, maxTokens }: Row): number {
  return promptTokens + maxTokens;
}

/** Another plan had the whole prompt read. */
function isShared({ usage }: Row): boolean {
  return usage.cachedTokens === usage.promptTokens;
}

function watchRun(meter: WorkMeter, total: number): Watch {
  let bar: ProgressBar | undefined;
  let done = 0;
  const failures: string[] = [];
  const update = () => {
    bar ??= progressBar(process.stderr, { label: "evaluating", total, unit: "samples" });
    bar.update(done, meter.secondsLeft);
  };
  return {
    onEvent(event) {
      switch (event.type) {
        case "made":
          done += event.samples - event.pending;
          break;
        case "skipped":
          meter.spared(event.length, event.samples);
          total -= event.samples;
          process.stderr.write(`${event.task} at ${formatCount(event.length)} tokens is left out: ${event.reason}\n`);
          return;
        case "failed":
          done++;
          failures.push(`${event.sample}: ${event.error.message}`);
          break;
        case "row":
          done++;
          if (event.row.fromCache) meter.spared(sizeOf(event.row), 1);
          else if (!isShared(event.row)) meter.answered(sizeOf(event.row));
          if (event.row.truncated)
            process.stderr.write(
              describe(
                `${event.row.task}: the server read ${event.row.usage.promptTokens} tokens of ${event.row.promptTokens}: this sample does not count. Raise the server's context.`,
              ),
            );
          break;
        case "reading":
          break;
      }
      update();
    },
    finish() {
      bar?.finish();
      for (const failure of failures.slice(0, 5)) process.stderr.write(describe(failure));
      if (failures.length > 5) process.stderr.write(describe(`and ${failures.length - 5} more failures.`));
    },
  };
}
