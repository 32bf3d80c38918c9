/** The page: documents above, questions and answers beside the text that they are about. */
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { ApiError, getJson } from "./api.ts";
import { follow } from "./chat.ts";
import { type Asked, Composer } from "./composer.tsx";
import { Contexts } from "./contexts.tsx";
import { Dialog } from "./dialog.tsx";
import { DocumentsPanel, totalOf } from "./documents.tsx";
import { filesOfDrop } from "./files.ts";
import { count } from "./format.ts";
import { KeyDialog } from "./key.tsx";
import { blockAt } from "./places.ts";
import { joinTexts, messagesOf } from "./prompt.ts";
import { Reader } from "./reader.tsx";
import { Reports } from "./reports.tsx";
import { ThemeSwitch } from "./theme.tsx";
import { TurnView } from "./turn.tsx";
import type { Documents, Model, Plans, Run, Selection, Turn } from "./types.ts";
import { useDrop } from "./use-drop.ts";
import { useFiles } from "./use-files.ts";

/** Tokens of a prompt that are neither document nor question. */
const AROUND = 80;

interface Server {
  readonly model: Model;
  readonly plans: Plans;
}

export function App() {
  const [server, setServer] = useState<Server | undefined>();
  const [trouble, setTrouble] = useState("");
  const [needsKey, setNeedsKey] = useState(false);
  const [areContextsOpen, setContextsOpen] = useState(false);
  const [areReportsOpen, setReportsOpen] = useState(false);
  const [turns, setTurns] = useState<readonly Turn[]>([]);
  const [selection, setSelection] = useState<Selection | undefined>();
  const [contextLength, setContextLength] = useState<number | undefined>();
  const [maxTokens, setMaxTokens] = useState(256);
  const stopping = useRef<AbortController | undefined>(undefined);
  const nextId = useRef(0);

  const failed = useCallback((error: unknown) => {
    if (error instanceof ApiError && error.status === 401) setNeedsKey(true);
    else setTrouble((error as Error).message);
  }, []);
  const connect = useCallback(async () => {
    try {
      const { data } = await getJson<{ data: Model[] }>("/v1/models");
      setServer({ model: data[0], plans: await getJson<Plans>("/v1/plans") });
      setTrouble("");
    } catch (error) {
      failed(error);
      if (error instanceof ApiError && error.status === 503) setTimeout(connect, 2000);
    }
  }, []);
  useEffect(() => void connect(), []);

  const { files, reading, troubles, add, setFiles, forget } = useFiles(failed);
  const isDropping = useDrop(async (transfer) => add(await filesOfDrop(transfer)));
  const documents = useMemo((): Documents => ({ files, ...joinTexts(files) }), [files]);
  useEffect(() => setSelection(undefined), [documents]);

  // Questions about other documents begin anew: their prompt does.
  const history = turns.filter((turn) => turn.documents === documents);
  const isBusy = turns.some(({ runs }) => runs.some(({ phase }) => !["done", "stopped", "failed"].includes(phase)));

  const ask = async ({ question, choices }: Asked) => {
    const id = nextId.current++;
    const runs = choices.map((choice): Run => ({ choice, phase: "waiting", answer: "", pieces: 0 }));
    setTurns((all) => [...all, { id, question, documents, runs }]);
    setSelection(undefined);
    const abort = new AbortController();
    stopping.current = abort;
    for (const [index, run] of runs.entries()) {
      const before = history.map(({ question, runs }) => {
        const { answer } = runs[index] ?? runs[0];
        return { question, answer: answer.trim() };
      });
      const messages = messagesOf(documents.text, [...before, { question }]);
      const onRun = (now: Run) =>
        setTurns((all) => all.map((turn) => (turn.id === id ? withRun(turn, index, now) : turn)));
      const { plan } = run.choice;
      // One after the other: side by side they would take each other's time.
      if (abort.signal.aborted) onRun({ ...run, phase: "stopped" });
      else {
        const ended = await follow(run, { messages, plan, maxTokens, signal: abort.signal }, onRun).catch(failed);
        if (index === 0 && ended) setSelection((chosen) => chosen ?? firstPassage(id, ended));
      }
    }
  };

  const active = turns.find(({ id }) => id === selection?.turn) ?? history[history.length - 1];
  const activeRun = active?.runs[selection?.run ?? 0];
  const reserve = maxTokens + AROUND;
  const select = (chosen: Selection, isMove: boolean) => {
    setSelection({ ...chosen });
    if (isMove) requestAnimationFrame(() => document.getElementById("reader")?.focus({ preventScroll: true }));
  };
  const obstacle =
    reading.length > 0
      ? "The documents are being read."
      : contextLength !== undefined && totalOf(files) > contextLength - reserve
        ? "The documents do not fit into the context."
        : undefined;

  return (
    <>
      <header class="top">
        <h1>Longspan</h1>
        <p class="model">{server && `${server.model.id}, ${count(server.model.max_model_len)} tokens of context`}</p>
        <nav aria-label="Settings">
          <button type="button" class="plain" onClick={() => setContextsOpen(true)}>
            Saved contexts
          </button>
          <button type="button" class="plain" onClick={() => setReportsOpen(true)}>
            Reports
          </button>
          <ThemeSwitch />
        </nav>
      </header>
      <main>
        {trouble && (
          <p class="trouble" role="alert">
            {trouble}
          </p>
        )}
        <DocumentsPanel
          {...{ files, reading, troubles, contextLength, reserve }}
          onAdd={add}
          onFiles={setFiles}
          onForget={forget}
        />
        <div class={files.length > 0 ? "desk" : "desk alone"}>
          <section class="conversation" aria-label="Questions and answers">
            {turns.map((turn) => (
              <TurnView key={turn.id} {...{ turn, selection }} onSelect={select} />
            ))}
            {turns.length > 0 && history.length === 0 && (
              <p class="hint">The documents have changed: the next question begins a new conversation.</p>
            )}
            {server && (
              <Composer
                {...{ plans: server.plans, isBusy, obstacle, maxTokens, isFollowUp: history.length > 0 }}
                onMaxTokens={setMaxTokens}
                onContextLength={setContextLength}
                onAsk={ask}
                onStop={() => stopping.current?.abort()}
                onRestart={() => {
                  setTurns([]);
                  setSelection(undefined);
                }}
              />
            )}
          </section>
          <Reader
            documents={active?.documents ?? documents}
            trace={activeRun?.trace}
            label={activeRun?.trace && activeRun.choice.label}
            selection={selection}
            onBlock={(block) => {
              if (!active || !activeRun?.trace) return;
              const { start, end } = activeRun.trace.blocks[block];
              select({ turn: active.id, run: selection?.run ?? 0, block, start, end, isChosen: true }, false);
            }}
          />
        </div>
      </main>
      {isDropping && <div class="drop">Drop files or a folder</div>}
      <Dialog title="Saved contexts" isOpen={areContextsOpen} onClose={() => setContextsOpen(false)}>
        <Contexts />
      </Dialog>
      <Dialog title="Evaluation reports" isOpen={areReportsOpen} onClose={() => setReportsOpen(false)}>
        <Reports />
      </Dialog>
      <KeyDialog
        isOpen={needsKey}
        onClose={() => {
          setNeedsKey(false);
          if (!server) void connect();
        }}
      />
    </>
  );
}

/** Shown when an answer is there, as long as nothing else was chosen. */
function firstPassage(turn: number, { trace }: Run): Selection | undefined {
  if (!trace?.text || trace.passages.length === 0) return undefined;
  const [{ start, end, peak }] = trace.passages;
  return { turn, run: 0, block: blockAt(trace, peak), start, end, isChosen: false };
}

function withRun(turn: Turn, index: number, run: Run): Turn {
  return { ...turn, runs: turn.runs.map((other, i) => (i === index ? run : other)) };
}
