/** Sends one answer in Anthropic's shapes: whole, or as named events. */
import type { Context } from "hono";
import { streamSSE } from "hono/streaming";
import type { CompletionEvent, FinishReason } from "../completion.ts";
import { anthropicErrorBody, asRequestError, RequestError } from "../errors.ts";
import { type Job, run } from "../respond.ts";
import { answerHeading, type Ending, type MessagesUsage, messagesUsage, stopIn } from "./answer.ts";
import { AnswerBlocks, type BlockEvent } from "./answer-blocks.ts";

const PING_MS = 5_000;

export interface MessagesJob extends Job {
  readonly promptTokens: number;
  /** Tokens of the prompt up to the last mark of `cache_control`; 0 without one. */
  readonly markedTokens: number;
  decode(tokenIds: readonly number[]): string;
  /** Pins what is marked. To be called when the prompt is read. */
  keepMarked(): Promise<void>;
}

export async function respondMessages(context: Context, job: MessagesJob): Promise<Response> {
  const progress = new Progress(job);
  await run(job, (event) => progress.saw(event));
  const content = progress.blocks.content();
  const usage = progress.usage();
  return context.json({ ...answerHeading(job.heading.model), content, ...progress.ending, usage });
}

/** `onEnd` is called when the stream has ended. */
export function respondMessagesStream(context: Context, job: MessagesJob, onEnd: () => void): Response {
  const { abort } = job;
  const response = streamSSE(context, async (stream) => {
    stream.onAbort(() => abort.abort(new RequestError(400, "The client has gone.")));
    const send = <E extends { readonly type: string }>(event: E) =>
      stream.writeSSE({ event: event.type, data: JSON.stringify(event) });
    const ping = setInterval(() => void send({ type: "ping" }), PING_MS);
    const progress = new Progress(job);
    try {
      await send({ type: "ping" });
      await run(job, async (event) => {
        await progress.saw(event);
        if (event.type === "read") {
          const none = { content: [], stop_reason: null, stop_sequence: null };
          const message = { ...answerHeading(job.heading.model), ...none, usage: progress.usage() };
          await send({ type: "message_start", message });
        }
        for (const blockEvent of progress.takeBlockEvents()) await send(blockEvent);
        if (event.type === "end")
          await send({ type: "message_delta", delta: progress.ending, usage: progress.usage() });
      });
      await send({ type: "message_stop" });
    } catch (error) {
      if (abort.signal.aborted) return;
      job.onError(error);
      await send(anthropicErrorBody(asRequestError(error)));
    } finally {
      clearInterval(ping);
      onEnd();
    }
  });
  response.headers.set("x-accel-buffering", "no");
  return response;
}

/** What is known of an answer so far. */
class Progress {
  readonly blocks = new AnswerBlocks();
  ending: Ending = { stop_reason: "end_turn", stop_sequence: null };
  private readonly job: MessagesJob;
  private readonly tokenIds: number[] = [];
  private cachedTokens = 0;
  private outputTokens = 0;
  private readonly blockEvents: BlockEvent[] = [];

  constructor(job: MessagesJob) {
    this.job = job;
  }

  async saw(event: CompletionEvent): Promise<void> {
    switch (event.type) {
      case "read":
        this.cachedTokens = event.cachedTokens;
        await this.job.keepMarked();
        break;
      case "text":
      case "call":
      case "arguments":
        this.tokenIds.push(...event.tokens.map(({ tokenId }) => tokenId));
        this.blockEvents.push(...this.blocks.push(event));
        break;
      case "end":
        this.outputTokens = event.tokens;
        this.blockEvents.push(...this.blocks.end());
        this.ending = this.endingOf(event.reason);
    }
  }

  takeBlockEvents(): BlockEvent[] {
    return this.blockEvents.splice(0);
  }

  usage(): MessagesUsage {
    const { promptTokens, markedTokens } = this.job;
    const { cachedTokens, outputTokens } = this;
    return messagesUsage({ promptTokens, cachedTokens, markedTokens, outputTokens });
  }

  /** The session does not tell an end token from a stop string; the tokens do. */
  private endingOf(reason: FinishReason): Ending {
    if (reason === "length") return { stop_reason: "max_tokens", stop_sequence: null };
    if (reason === "tool_calls") return { stop_reason: "tool_use", stop_sequence: null };
    const { decode, options } = this.job;
    const stop = options.stop.length > 0 ? stopIn(decode(this.tokenIds), options.stop) : null;
    return { stop_reason: stop === null ? "end_turn" : "stop_sequence", stop_sequence: stop };
  }
}
