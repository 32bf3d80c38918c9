/** A question with its answers: one, or two side by side. */
import { useEffect, useState } from "preact/hooks";
import { count, oneLine, percent, perSecond, seconds } from "./format.ts";
import { blockAt, fileAt } from "./places.ts";
import { Ribbon } from "./ribbon.tsx";
import type { Run, Selection, Trace, Turn } from "./types.ts";

interface TurnProps {
  readonly turn: Turn;
  readonly selection?: Selection;
  readonly onSelect: (selection: Selection, isMove: boolean) => void;
}

const CITATIONS = 3;

export function TurnView({ turn, selection, onSelect }: TurnProps) {
  const { runs } = turn;
  return (
    <article class="turn" aria-label={oneLine(turn.question, 80)}>
      <h3 class="question">{turn.question}</h3>
      <div class={runs.length > 1 ? "runs pair" : "runs"}>
        {runs.map((run, index) => (
          <RunView
            key={index}
            {...{ turn, run, index, onSelect }}
            selection={selection?.turn === turn.id && selection.run === index ? selection : undefined}
          />
        ))}
      </div>
    </article>
  );
}

interface RunProps extends TurnProps {
  readonly run: Run;
  readonly index: number;
}

function RunView({ turn, run, index, selection, onSelect }: RunProps) {
  const { trace, phase, answer } = run;
  const at = { turn: turn.id, run: index, isChosen: true };
  const open = (block: number) => {
    const { start, end } = trace!.blocks[block];
    onSelect({ ...at, block, start, end }, true);
  };
  return (
    <div class="run" data-phase={phase}>
      {turn.runs.length > 1 && <h4>{run.choice.label}</h4>}
      <div>
        {phase === "reading" && <Reading run={run} />}
        {phase === "waiting" && <p class="hint">waits for its turn</p>}
        <p class="answer" aria-live={phase === "writing" ? "polite" : "off"} aria-busy={phase === "writing"}>
          {answer}
          {phase === "writing" && <i class="caret" />}
        </p>
        {run.error && (
          <p class="trouble" role="alert">
            {run.error}
          </p>
        )}
      </div>
      <div>
        <Facts run={run} />
      </div>
      <div>
        <Ribbon run={run} documents={turn.documents} selected={selection?.block} onOpen={open} />
      </div>
      <div>
        {trace?.text && trace.passages.length > 0 && (
          <ol class="passages" aria-label="Passages attended to most">
            {trace.passages.slice(0, CITATIONS).map(({ start, end, peak, share, excerpt }) => (
              <li key={start}>
                <button
                  type="button"
                  onClick={() => onSelect({ ...at, block: blockAt(trace, peak), start, end }, true)}
                >
                  <span class="where">
                    <bdi>{turn.documents.files[fileAt(turn.documents, peak)].name}</bdi> <b>{percent(share)}</b>
                  </span>
                  <q>{oneLine(excerpt.replace(/^[\s.,;:!?)]+/, ""), 220)}</q>
                </button>
              </li>
            ))}
          </ol>
        )}
      </div>
    </div>
  );
}

/** How far the prompt is read, how fast, and how long it will take. */
function Reading({ run: { progress, startedAt = 0 } }: { run: Run }) {
  const now = useNow();
  if (!progress) return <p class="progress">Waiting for the server … {seconds((now - startedAt) / 1000)}</p>;
  const { processed, total, first, at, cached } = progress;
  const done = processed - (cached ?? first.processed);
  const pace = cached === undefined ? (at - first.at) / 1000 : (at - startedAt) / 1000;
  const rate = done > 0 && pace > 0 ? done / pace : undefined;
  const left = rate && Math.max(0, (total - processed) / rate - (now - at) / 1000);
  return (
    <div class="progress">
      <progress max={total} value={processed} aria-label="Reading the prompt" />
      <p>
        Reading {count(processed)} of {count(total)} tokens
        {rate !== undefined && `, ${perSecond(done, pace)}`}
        {left !== undefined && `, about ${seconds(left)} left`}
      </p>
    </div>
  );
}

function Facts({ run }: { run: Run }) {
  const { phase, usage, trace, startedAt, readAt, endedAt, pieces, answer } = run;
  const now = useNow(phase === "writing");
  if (phase === "reading" || phase === "waiting" || startedAt === undefined || readAt === undefined) return null;
  const end = endedAt ?? now;
  const writing = (end - readAt) / 1000;
  const prompt = usage?.prompt_tokens ?? trace?.prompt_tokens;
  const cached = usage?.prompt_tokens_details.cached_tokens;
  const written = usage?.completion_tokens ?? pieces;
  const facts: [string, string][] = [
    ["read in", seconds((readAt - startedAt) / 1000)],
    ...(prompt === undefined ? [] : [["prompt", `${count(prompt)} tokens`] as [string, string]]),
    ...(cached === undefined ? [] : [["from the cache", count(cached)] as [string, string]]),
    ...(trace ? [["held", heldOf(trace)] as [string, string]] : []),
    [
      "written",
      `${count(written)} tokens in ${seconds(writing)}${written > 1 ? `, ${perSecond(written, writing)}` : ""}`,
    ],
  ];
  return (
    <div class="facts-row">
      <dl>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {phase === "stopped" && <span class="note">stopped</span>}
      {run.isCut && <span class="note">cut at the longest answer</span>}
      {endedAt !== undefined && answer !== "" && <CopyButton text={answer.trim()} />}
    </div>
  );
}

function heldOf({ kept_tokens: kept, prompt_tokens: total }: Trace): string {
  return kept < total ? `${count(kept)} of them` : "all";
}

function CopyButton({ text }: { text: string }) {
  const [said, setSaid] = useState("Copy");
  const copy = async () => {
    const isDone = await navigator.clipboard.writeText(text).then(
      () => true,
      () => false,
    );
    setSaid(isDone ? "Copied" : "The browser does not allow it");
    setTimeout(() => setSaid("Copy"), 1500);
  };
  return (
    <button type="button" class="plain" onClick={copy}>
      {said}
    </button>
  );
}

/** Of performance.now(), a few times a second. */
function useNow(isRunning = true): number {
  const [now, setNow] = useState(performance.now());
  useEffect(() => {
    if (!isRunning) return;
    const timer = setInterval(() => setNow(performance.now()), 250);
    return () => clearInterval(timer);
  }, [isRunning]);
  return now;
}
