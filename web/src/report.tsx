/** One evaluation run: what was asked for, and its scores by task and length. */
import { useEffect, useRef, useState } from "preact/hooks";
import { hasKey, save } from "./api.ts";
import { count, kilo, moment } from "./format.ts";

export interface ReportEntry {
  readonly id: string;
  readonly state: "finished" | "unfinished";
  readonly model: string;
  /** Null for an endpoint. */
  readonly planName: string | null;
  readonly mode: string;
  readonly tasks: readonly string[];
  readonly lengths: readonly number[];
  readonly startedAt: string;
  readonly longspan: string;
  readonly asked: number;
  readonly answered: number;
  readonly means: readonly { readonly length: number; readonly score: number }[];
  readonly hasPage: boolean;
}

export interface Report extends ReportEntry {
  readonly summary: { readonly families: readonly Family[] } | null;
}

interface Family {
  readonly family: string;
  readonly tasks: readonly { readonly task: string; readonly cells: readonly Cell[] }[];
  readonly macros: readonly Mean[];
}

interface Scored {
  /** From 0 to 1, as the ends of the 95 % interval; none where no sample counts. */
  readonly score?: number;
  readonly interval?: { readonly low: number; readonly high: number };
  readonly n?: number;
}

interface Cell extends Scored {
  readonly length: number;
  readonly truncated: number;
}

interface Mean extends Scored {
  readonly length: number;
  readonly missing: readonly string[];
}

export function ReportView({ report, onBack }: { report: Report; onBack: () => void }) {
  const back = useRef<HTMLButtonElement>(null);
  useEffect(() => back.current?.focus(), []);
  const { id, answered, asked, planName, mode, startedAt, longspan, summary } = report;
  const isWhole = summary !== null && answered === asked;
  const facts = [
    ["plan", planName ?? "the endpoint's own"],
    ["prompts", mode],
    ["answers", isWhole ? count(answered) : `${count(answered)} of ${count(asked)} asked for`],
    ["started", moment(startedAt)],
    ["with", `Longspan ${longspan}`],
  ];
  return (
    <section class="report" aria-label={modelOf(report)}>
      <header>
        <button ref={back} type="button" onClick={onBack}>
          All runs
        </button>
        <h3>{modelOf(report)}</h3>
        {report.hasPage && <PageLink id={report.id} />}
      </header>
      <div class="facts-row">
        <dl>
          {facts.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      </div>
      {summary ? (
        <>
          <p class="hint">Mean score of each task in percent, its 95 % interval, and the number of samples.</p>
          {summary.families.map((family) => (
            <Scores key={family.family} {...family} />
          ))}
        </>
      ) : (
        <p class="hint">
          It has not finished. To go on with it, give <code>longspan eval run</code> its options again,{" "}
          <code>--resume</code>, and its folder in <code>--out</code>: <code>eval/runs/{id}</code> under LONGSPAN_HOME.
        </p>
      )}
    </section>
  );
}

function Scores({ family, tasks, macros }: Family) {
  const lengths = [...new Set(tasks.flatMap(({ cells }) => cells.map(({ length }) => length)))].sort((a, b) => a - b);
  const isCut = tasks.some(({ cells }) => cells.some(({ truncated }) => truncated > 0));
  const isPart = tasks.length > 1 && macros.some(({ missing }) => missing.length > 0);
  return (
    <div class="scroll">
      <table class="scores">
        <caption>{family}</caption>
        <thead>
          <tr>
            <th scope="col">Task</th>
            {lengths.map((length) => (
              <th key={length} scope="col">
                {kilo(length)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {tasks.map(({ task, cells }) => (
            <tr key={task}>
              <th scope="row">{task}</th>
              {lengths.map((length) => {
                const cell = cells.find((cell) => cell.length === length);
                return <ScoreCell key={length} cell={cell} mark={cell && cell.truncated > 0 && "!"} />;
              })}
            </tr>
          ))}
          {tasks.length > 1 && macros.length > 0 && (
            <tr class="mean">
              <th scope="row">mean</th>
              {lengths.map((length) => {
                const mean = macros.find((mean) => mean.length === length);
                return <ScoreCell key={length} cell={mean} mark={mean && mean.missing.length > 0 && "*"} />;
              })}
            </tr>
          )}
        </tbody>
      </table>
      {isCut && <small>! Prompts that were cut on the way do not count.</small>}
      {isPart && <small>* Not all tasks: not to be compared with the other means.</small>}
    </div>
  );
}

/** `mark` points to a note below the table. */
function ScoreCell({ cell = {}, mark }: { cell?: Scored; mark: string | false | undefined }) {
  const { score, interval, n } = cell;
  const facts = [interval && `${whole(interval.low)}–${whole(interval.high)}`, n !== undefined && `n ${n}`];
  return (
    <td style={{ "--share": score }}>
      {percentage(score)}
      <small>
        {facts.filter(Boolean).join(" · ")} {mark}
      </small>
    </td>
  );
}

function whole(share: number): number {
  return Math.round(100 * share);
}

/** A link opens it in a tab of its own; where the server wants a key, which links cannot carry, it becomes a file. */
function PageLink({ id }: { id: string }) {
  const [said, setSaid] = useState("");
  const path = `/v1/reports/${encodeURIComponent(id)}/page`;
  if (!hasKey())
    return (
      <a href={path} target="_blank" rel="noopener noreferrer">
        Open the whole report
      </a>
    );
  return (
    <>
      <button type="button" onClick={() => save(path, `${id}.html`).catch((error: Error) => setSaid(error.message))}>
        Save the whole report
      </button>
      <small role="status">{said}</small>
    </>
  );
}

export function modelOf({ model }: ReportEntry): string {
  return model.replace(/\.gguf$/, "");
}

/** 0.8765 is 87.7. */
export function percentage(share: number | undefined): string {
  return share === undefined ? "–" : (100 * share).toFixed(1);
}
