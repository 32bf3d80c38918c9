/** Sends one completion: as a stream of chunks, or whole. */
import type { Context } from "hono";
import { streamSSE } from "hono/streaming";
import { type Choice, chunk, type Heading, type Kind, usageOf, wholeAnswer } from "./answers.ts";
import { type CompletionEvent, type CompletionOptions, complete } from "./completion.ts";
import { asRequestError, errorBody, RequestError } from "./errors.ts";
import type { Metrics } from "./metrics.ts";
import type { PrefixPool } from "./prefix-pool.ts";

/** Proxies and clients give up on a silent connection. */
const PING_MS = 5_000;

export interface Job {
  readonly kind: Kind;
  readonly heading: Heading;
  readonly pool: PrefixPool;
  readonly metrics: Metrics;
  readonly options: Omit<CompletionOptions, "signal">;
  readonly includeUsage: boolean;
  readonly showProgress: boolean;
  /** Aborted when the client has gone, or the server stops. */
  readonly abort: AbortController;
  /** Of what goes wrong once an answer has begun. */
  readonly onError: (error: unknown) => void;
}

export async function respondWhole(context: Context, job: Job): Promise<Response> {
  const texts: string[] = [];
  const choices: Choice[] = [];
  const counted = await run(job, (event) => {
    if (event.type === "text") texts[event.index] = (texts[event.index] ?? "") + event.text;
    if (event.type === "end")
      choices.push({ index: event.index, text: texts[event.index] ?? "", reason: event.reason });
  });
  return context.json(wholeAnswer(job.kind, job.heading, choices, counted.usage()));
}

/** `onEnd` is called when the stream has ended. */
export function respondStream(context: Context, job: Job, onEnd: () => void): Response {
  const { kind, heading, includeUsage, showProgress, abort } = job;
  const none = includeUsage ? null : undefined;
  const response = streamSSE(context, async (stream) => {
    stream.onAbort(() => abort.abort(new RequestError(400, "The client has gone.")));
    const send = (data: object) => stream.writeSSE({ data: JSON.stringify(data) });
    const ping = setInterval(() => void stream.write(": ping\n\n"), PING_MS);
    try {
      await stream.write(": ping\n\n");
      const counted = await run(job, async (event) => {
        switch (event.type) {
          case "reading": {
            const { done, total } = event;
            if (showProgress)
              await send({ ...chunk(kind, heading, [], none), prompt_progress: { processed: done, total } });
            break;
          }
          case "read":
            if (kind === "text") break;
            for (let index = 0; index < job.options.n; index++)
              await send(chunk(kind, heading, [{ index, begins: true }], none));
            break;
          case "text":
            await send(chunk(kind, heading, [{ index: event.index, text: event.text }], none));
            break;
          case "end":
            await send(chunk(kind, heading, [{ index: event.index, reason: event.reason }], none));
        }
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

/** Counts while it runs, whatever becomes of it. */
async function run(job: Job, onEvent: (event: CompletionEvent) => void | Promise<void>) {
  const { metrics, options, abort } = job;
  const promptTokens = options.promptIds.length;
  const start = performance.now();
  let [cachedTokens, outputTokens, reason] = [0, 0, "error"];
  let isFirst = true;
  metrics.running++;
  try {
    await complete(job.pool, { ...options, signal: abort.signal }, (event) => {
      if (event.type === "read") {
        cachedTokens = event.cachedTokens;
        metrics.promptTokens += promptTokens;
        metrics.cachedTokens += cachedTokens;
      }
      if (event.type === "text" && isFirst) {
        metrics.sawFirstToken((performance.now() - start) / 1000);
        isFirst = false;
      }
      if (event.type === "end") {
        outputTokens += event.tokens;
        metrics.generatedTokens += event.tokens;
        reason = event.reason;
      }
      return onEvent(event);
    });
  } catch (error) {
    reason = abort.signal.aborted ? "abort" : "error";
    throw error;
  } finally {
    metrics.running--;
    metrics.finish(reason);
  }
  return { usage: () => usageOf(promptTokens, cachedTokens, outputTokens) };
}
