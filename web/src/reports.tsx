/** Evaluation runs that are kept on the server's machine: a list of them, and one at a time opened. */
import { useEffect, useRef, useState } from "preact/hooks";
import { getJson } from "./api.ts";
import { count, kilo, moment } from "./format.ts";
import { modelOf, percentage, type Report, type ReportEntry, ReportView } from "./report.tsx";

interface Damaged {
  readonly id: string;
  readonly state: "damaged";
  readonly problem: string;
}

const MOST_TASKS = 3;

export function Reports() {
  const [runs, setRuns] = useState<readonly (ReportEntry | Damaged)[] | undefined>();
  const [report, setReport] = useState<Report | undefined>();
  const [said, setSaid] = useState("Looking …");
  const opened = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    getJson<{ data: readonly (ReportEntry | Damaged)[] }>("/v1/reports").then(
      ({ data }) => {
        setRuns(data);
        setSaid("");
      },
      (error: Error) => setSaid(error.message),
    );
  }, []);
  // Back in the list, the keyboard goes on where it was.
  useEffect(() => {
    if (!report) opened.current?.focus();
  }, [report]);

  const open = async (id: string, button: HTMLButtonElement) => {
    opened.current = button;
    try {
      setReport(await getJson<Report>(`/v1/reports/${encodeURIComponent(id)}`));
      setSaid("");
    } catch (error) {
      setSaid((error as Error).message);
    }
  };
  return (
    <>
      <p role="status" class="hint">
        {said || (runs && !report && summaryOf(runs.length))}
      </p>
      {runs?.length === 0 && (
        <p class="hint">
          <code>longspan eval run --tier smoke</code> makes one in minutes. Runs that went elsewhere with{" "}
          <code>--out</code> are not shown.
        </p>
      )}
      {report && <ReportView report={report} onBack={() => setReport(undefined)} />}
      {runs && runs.length > 0 && (
        <div class="scroll" hidden={report !== undefined}>
          <table class="contexts reports">
            <thead>
              <tr>
                {["Run", "Mean score by length", "Started"].map((title) => (
                  <th key={title} scope="col">
                    {title}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {runs.map((run) =>
                run.state === "damaged" ? (
                  <tr key={run.id}>
                    <th scope="row">{run.id}</th>
                    <td class="wide" colSpan={2}>
                      damaged: {run.problem}
                    </td>
                  </tr>
                ) : (
                  <Row key={run.id} run={run} onOpen={open} />
                ),
              )}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

interface RowProps {
  readonly run: ReportEntry;
  readonly onOpen: (id: string, button: HTMLButtonElement) => void;
}

function Row({ run, onOpen }: RowProps) {
  const { id, state, planName, tasks, lengths, means, answered, asked, startedAt } = run;
  const meanAt = (length: number) => means.find((mean) => mean.length === length)?.score;
  return (
    <tr>
      <th scope="row">
        <button
          type="button"
          class="link"
          aria-label={`Open ${modelOf(run)}, ${moment(startedAt)}`}
          onClick={(event) => onOpen(id, event.currentTarget)}
        >
          {modelOf(run)}
        </button>
        <small>{planName === null ? "an endpoint" : `plan ${planName}`}</small>
        <small>{tasksOf(tasks)}</small>
      </th>
      <td class="wide">
        <ul class="means">
          {lengths.map((length) => (
            <li key={length}>
              <small>{kilo(length)}</small> {percentage(meanAt(length))}
            </li>
          ))}
        </ul>
        {state === "unfinished" && `unfinished: ${count(answered)} of ${count(asked)} answers`}
      </td>
      <td>{moment(startedAt)}</td>
    </tr>
  );
}

function summaryOf(runs: number): string {
  if (runs === 0) return "No runs are kept on this machine yet.";
  return runs === 1 ? "One run is kept on this machine." : `${count(runs)} runs are kept on this machine.`;
}

function tasksOf(tasks: readonly string[]): string {
  const more = tasks.length - MOST_TASKS;
  return more > 1 ? `${tasks.slice(0, MOST_TASKS).join(", ")} and ${more} more` : tasks.join(", ");
}
