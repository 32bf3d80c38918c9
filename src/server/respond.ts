/** Sends the answers to one request: as a stream of chunks, or whole. */
import type { Context } from "hono";
import { streamSSE } from "hono/streaming";
import { AnswerGatherer } from "./answer-gatherer.ts";
import { chunk, type Heading, type Kind, type Piece, usageOf, wholeAnswer } from "./answers.ts";
import { type CompletionEvent, type CompletionOptions, complete, type PromptReader } from "./completion.ts";
import { asRequestError, errorBody, RequestError } from "./errors.ts";
import type { LogProbShape } from "./log-probs.ts";
import type { Metrics } from "./metrics.ts";
import type { Trace } from "./trace.ts";

/** Proxies and clients give up on a silent connection. */
const PING_MS = 5_000;

export interface Job {
  readonly kind: Kind;
  readonly heading: Heading;
  readonly reader: PromptReader;
  readonly metrics: Metrics;
  readonly options: Omit<CompletionOptions, "signal">;
  /** Of each prompt, what answers begin with. */
  readonly echo?: readonly string[];
  /** For each answer, where log probabilities are asked for. */
  readonly logProbs?: () => LogProbShape;
  readonly showIds?: boolean;
  readonly includeUsage: boolean;
  readonly showProgress: boolean;
  /** Aborted when the client has gone, or the server stops. */
  readonly abort: AbortController;
  /** Of what goes wrong once an answer has begun. */
  readonly onError: (error: unknown) => void;
}

export async function respondWhole(context: Context, job: Job): Promise<Response> {
  const answers = new AnswerGatherer(job);
  let trace: Trace | undefined;
  const counted = await run(job, (event) => {
    if (event.type === "traced") trace = event.trace;
    else answers.add(event);
  });
  const whole = wholeAnswer(job.kind, job.heading, answers.choices(), counted.usage());
  return context.json({ ...whole, ...(trace && { trace }) });
}

/** `onEnd` is called when the stream has ended. */
export function respondStream(context: Context, job: Job, onEnd: () => void): Response {
  const { kind, heading, includeUsage, showProgress, abort } = job;
  const none = includeUsage ? null : undefined;
  const response = streamSSE(context, async (stream) => {
    stream.onAbort(() => abort.abort(new RequestError(400, "The client has gone.")));
    const send = (data: object) => stream.writeSSE({ data: JSON.stringify(data) });
    const ping = setInterval(() => void stream.write(": ping\n\n"), PING_MS);
    const piecesOf = pieceMaker(job);
    try {
      await stream.write(": ping\n\n");
      const counted = await run(job, async (event) => {
        if (event.type === "reading") {
          const { done, total } = event;
          if (showProgress)
            await send({ ...chunk(kind, heading, [], none), prompt_progress: { processed: done, total } });
        } else if (event.type === "traced") await send({ ...chunk(kind, heading, [], none), trace: event.trace });
        else for (const piece of piecesOf(event)) await send(chunk(kind, heading, [piece], none));
      });
      if (includeUsage) await send(chunk(kind, heading, [], counted.usage()));
      await stream.writeSSE({ data: "[DONE]" });
    } catch (error) {
      if (abort.signal.aborted) return;
      job.onError(error);
      await send(errorBody(asRequestError(error)));
    } finally {
      clearInterval(ping);
      onEnd();
    }
  });
  response.headers.set("x-accel-buffering", "no");
  return response;
}

type AnswerEvent = Exclude<CompletionEvent, { type: "reading" | "traced" }>;

/** What chunks say of an event. */
function pieceMaker({ kind, options, echo, logProbs, showIds }: Job): (event: AnswerEvent) => Piece[] {
  const shapes = new Map<number, LogProbShape>();
  const shapeOf = (index: number) => {
    const shape = shapes.get(index) ?? logProbs?.();
    if (shape) shapes.set(index, shape);
    return shape;
  };
  return (event) => {
    if (event.type === "end") return [{ index: event.index, reason: event.reason }];
    if (event.type === "read") {
      const { prompt, logProbs: tokens } = event;
      const promptIds = showIds ? { promptIds: Array.from(options.prompts[prompt]) } : {};
      const begins = {
        ...(kind === "chat" ? { begins: true as const } : echo && { text: echo[prompt] }),
        ...promptIds,
      };
      if (Object.keys(begins).length === 0) return [];
      return Array.from({ length: options.n }, (_, i) => {
        const index = prompt * options.n + i;
        return { index, ...begins, ...(tokens && { logProbs: shapeOf(index)?.(tokens) }) };
      });
    }
    const { index, tokens } = event;
    const said: Omit<Piece, "index"> =
      event.type === "text"
        ? { text: event.text }
        : event.type === "call"
          ? { call: { index: event.call, id: event.id, name: event.name, arguments: "" } }
          : { call: { index: event.call, arguments: event.text } };
    const logProbsOfPiece = tokens.length > 0 ? shapeOf(index)?.(tokens) : undefined;
    const tokenIds = showIds ? tokens.map(({ tokenId }) => tokenId) : undefined;
    if (event.type === "text" && event.text === "" && !logProbsOfPiece && !tokenIds) return [];
    return [{ index, ...said, logProbs: logProbsOfPiece, tokenIds }];
  };
}

/** Counts while it runs, whatever becomes of it. */
export async function run(job: Job, onEvent: (event: CompletionEvent) => void | Promise<void>) {
  const { metrics, options, abort } = job;
  const start = performance.now();
  let [promptTokens, cachedTokens, outputTokens, reason] = [0, 0, 0, "error"];
  let isFirst = true;
  let isWaiting = true;
  /** When answers had their last token. */
  const tokenAt = new Map<number, number>();
  metrics.running++;
  metrics.waiting++;
  try {
    await complete(job.reader, { ...options, signal: abort.signal }, (event) => {
      if (isWaiting) {
        isWaiting = false;
        metrics.waiting--;
      }
      if (event.type === "read") {
        promptTokens += options.prompts[event.prompt].length;
        cachedTokens += event.cachedTokens;
        metrics.promptTokens += options.prompts[event.prompt].length;
        metrics.cachedTokens += event.cachedTokens;
      } else if (event.type === "end") {
        outputTokens += event.tokens;
        metrics.generatedTokens += event.tokens;
        reason = event.reason;
      } else if ("tokens" in event && event.tokens.length > 0) {
        const now = performance.now();
        const before = tokenAt.get(event.index);
        if (before !== undefined) metrics.sawNextToken((now - before) / 1000);
        tokenAt.set(event.index, now);
        if (isFirst) metrics.sawFirstToken((now - start) / 1000);
        isFirst = false;
      }
      return onEvent(event);
    });
  } catch (error) {
    reason = abort.signal.aborted ? "abort" : "error";
    throw error;
  } finally {
    metrics.running--;
    if (isWaiting) metrics.waiting--;
    metrics.finish(reason, (performance.now() - start) / 1000);
  }
  return { usage: () => usageOf(promptTokens, cachedTokens, outputTokens) };
}
