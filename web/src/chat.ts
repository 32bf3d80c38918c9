/** POST /v1/chat/completions as a stream, reduced to what one run of a question is made of. */
import { ApiError, jsonOf, request } from "./api.ts";
import type { Message } from "./prompt.ts";
import type { Plan, Progress, Run, Trace, Usage } from "./types.ts";

interface Chunk {
  readonly choices: readonly {
    readonly delta?: { readonly content?: string };
    readonly finish_reason?: string | null;
  }[];
  readonly usage?: Usage | null;
  readonly prompt_progress?: { readonly processed: number; readonly total: number; readonly cache?: number };
  readonly trace?: Trace;
  readonly error?: { readonly message: string };
}

export interface Question {
  readonly messages: readonly Message[];
  readonly plan: Plan;
  readonly maxTokens: number;
  readonly signal: AbortSignal;
}

/** Calls `onRun` with what the run has become; resolves when it has ended, in whatever way. */
export async function follow(run: Run, question: Question, onRun: (run: Run) => void): Promise<Run> {
  let now: Run = { ...run, phase: "reading", startedAt: performance.now() };
  const become = (changes: Partial<Run>) => {
    now = { ...now, ...changes };
    onRun(now);
  };
  become({});
  try {
    for await (const chunk of chunksOf(question)) become(changesOf(now, chunk));
    become({ phase: "done", endedAt: performance.now() });
  } catch (error) {
    const endedAt = performance.now();
    if (question.signal.aborted) become({ phase: "stopped", endedAt });
    else become({ phase: "failed", endedAt, error: (error as Error).message });
    if (error instanceof ApiError && error.status === 401) throw error;
  }
  return now;
}

function changesOf(run: Run, { choices, usage, prompt_progress: progress, trace, error }: Chunk): Partial<Run> {
  if (error) throw new Error(error.message);
  const [choice] = choices;
  const text = choice?.delta?.content;
  return {
    ...(progress && { progress: progressOf(run.progress, progress) }),
    ...(choice && run.phase === "reading" && { phase: "writing", readAt: performance.now() }),
    ...(text && { answer: run.answer + text, pieces: run.pieces + 1 }),
    ...(choice?.finish_reason && { isCut: choice.finish_reason === "length" }),
    ...(usage && { usage }),
    ...(trace && { trace }),
  };
}

function progressOf(before: Progress | undefined, said: NonNullable<Chunk["prompt_progress"]>): Progress {
  const at = performance.now();
  const { processed, total, cache } = said;
  return { processed, total, cached: cache, at, first: before?.first ?? { processed, at } };
}

async function* chunksOf({ messages, plan, maxTokens, signal }: Question): AsyncGenerator<Chunk> {
  const body = {
    ...{ messages, temperature: 0, max_completion_tokens: maxTokens, long_context: plan },
    ...{ stream: true, stream_options: { include_usage: true }, return_progress: true, return_trace: true },
  };
  const response = await request("/v1/chat/completions", { ...jsonOf(body), signal });
  const decoder = new TextDecoder();
  const reader = response.body!.getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
    rest = lines.pop()!;
    for (const line of lines)
      if (line.startsWith("data: ") && line !== "data: [DONE]") yield JSON.parse(line.slice("data: ".length));
  }
}
