/** What a reader must know before trusting the numbers: cut prompts, missing samples, answers at their limit, retries. */
import type { Row } from "../../types.ts";
import { element, textElement } from "../charts/markup.ts";
import { formatCount, formatLength, formatPercent } from "../charts/numbers.ts";
import { distinct, type NamedRun } from "./runs.ts";
import { type Section, titled } from "./section.ts";

export function notesSection(runs: readonly NamedRun[]): Section {
  const parts = runs.map((run) => {
    const notes = notesOf(run);
    const texts = notes.length === 0 ? ["Nothing to note: every sample was answered, and none was cut."] : notes;
    const list = element("ul", { class: "notes" }, ...texts.map((text) => textElement("li", {}, text)));
    return titled(runs.length > 1 ? run.name : undefined, list);
  });
  return { id: "notes", title: "Notes", content: parts.join("") };
}

export function notesOf({ info, rows, summary }: NamedRun): string[] {
  const cut = rows.filter((row) => row.truncated);
  const atLimit = rows.filter((row) => row.finish === "length" && !row.truncated);
  const retried = rows.filter((row) => row.attempts > 1);
  const raised = rows.filter((row) => row.facts?.maxNewRaised === true);
  const gaps = summary.families.flatMap(({ macros }) => macros.filter(({ missing }) => missing.length > 0));
  return [
    ...missingSamples({ info, rows }),
    cut.length > 0 &&
      `${samples(cut)} had their prompt cut by the server and do not count: ${places(cut)}. What was cut away may have held the answer.`,
    raised.length > 0 &&
      `${samples(raised)} may answer longer than the task's definition says, because the expected answer takes more tokens in this model: ${places(raised)}.`,
    atLimit.length > 0 &&
      `${samples(atLimit)} (${formatPercent(atLimit.length / rows.length)}) wrote until their limit of tokens. Where answers are short lists this is usual; where they are cut before the answer, scores are too low.`,
    retried.length > 0 &&
      `${samples(retried)} needed more than one try, at most ${Math.max(...retried.map((row) => row.attempts))}.`,
    ...gaps.map(
      ({ length, missing }) =>
        `The mean at ${formatLength(length)} is without ${missing.join(", ")}: it cannot be compared with those of other lengths.`,
    ),
  ].filter((note) => note !== false);
}

/** Samples that were asked for and have no row. A task may not have been possible at a length at all. */
function missingSamples({ info, rows }: Pick<NamedRun, "info" | "rows">): string[] {
  const short = info.tasks.flatMap(({ id }) =>
    info.lengths.flatMap((length) => {
      const count = rows.filter((row) => row.task === id && row.length === length).length;
      const wanted = info.samples[length] ?? 0;
      return count < wanted ? [`${id} at ${formatLength(length)} (${count} of ${wanted})`] : [];
    }),
  );
  return short.length === 0 ? [] : [`Not all samples that were asked for were answered: ${short.join(", ")}.`];
}

function samples(rows: readonly Row[]): string {
  return rows.length === 1 ? "1 sample" : `${formatCount(rows.length)} samples`;
}

function places(rows: readonly Row[]): string {
  return distinct(rows.map((row) => `${row.task} at ${formatLength(row.length)}`)).join(", ");
}
