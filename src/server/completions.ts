/** POST /v1/chat/completions and /v1/completions. */
import type { Context, Hono } from "hono";
import { hasChat, renderChat } from "../tokenizer/chat-template.ts";
import { answerFormat } from "./answer-format.ts";
import { heading } from "./answers.ts";
import {
  bodyOf,
  type ChatRequest,
  type CompletionRequest,
  chatSchema,
  completionSchema,
  messagesOf,
  parseBody,
  planOf,
  samplingOf,
  stopsOf,
} from "./chat-request.ts";
import { RequestError, tooLong } from "./errors.ts";
import { chatLogProbs, textLogProbs } from "./log-probs.ts";
import { readerOfLogProbs } from "./prompt-log-probs.ts";
import { promptsOf } from "./prompts.ts";
import { type Job, respondStream, respondWhole } from "./respond.ts";
import type { Service } from "./service.ts";
import { toolsOf } from "./tools.ts";
import { tracerOf } from "./trace.ts";

export function addCompletionRoutes(app: Hono, service: Service): void {
  const { engine, name } = service;
  const { tokenizer } = engine;

  app.post("/v1/chat/completions", async (context) => {
    const request = parseBody(chatSchema, await bodyOf(context));
    expectChat(service);
    const { logprobs, top_logprobs: top } = request;
    if (top && !logprobs)
      throw new RequestError(400, "top_logprobs: expected logprobs: true beside it. Add it.", {
        param: "top_logprobs",
      });
    return answer(context, request, {
      kind: "chat",
      prompts: [renderChat(tokenizer, messagesOf(request), { tools: toolsOf(request) })],
      wanted: request.max_completion_tokens ?? request.max_tokens,
      ...(logprobs && { count: top ?? 0, logProbs: () => chatLogProbs(tokenizer) }),
    });
  });

  app.post("/v1/completions", async (context) => {
    const request = parseBody(completionSchema, await bodyOf(context));
    const prompts = promptsOf(tokenizer, request);
    const { max_tokens: wanted = 16, logprobs, echo, return_tokens_as_token_ids: asIds } = request;
    if (wanted === 0 && !echo)
      throw new RequestError(400, "max_tokens: expected at least 1 without echo, got 0. Ask for more.", {
        param: "max_tokens",
      });
    const count = logprobs ?? 0;
    return answer(context, request, {
      kind: "text",
      prompts: prompts.map(({ ids }) => ids),
      wanted: wanted ?? 16,
      ...(echo && { echo: prompts.map(({ text }) => text) }),
      ...(logprobs != null && { count, logProbs: () => textLogProbs(tokenizer, { asIds: asIds ?? false, count }) }),
    });
  });

  async function answer(
    context: Context,
    request: ChatRequest | CompletionRequest,
    { kind, prompts, wanted, count, logProbs, echo }: Question,
  ): Promise<Response> {
    service.expectModel(request.model);
    expectTokens(request.logit_bias ?? {}, tokenizer.vocabularySize);
    const plan = planOf(request, service.plan);
    const room = prompts.map(({ length }) => roomFor(service.contextLength(plan), length, wanted));
    const format = await answerFormat(request, service.grammars);
    const trace = request.return_trace ? tracerOf(request, { tokenizer, promptIds: prompts[0] }) : undefined;
    if (trace && prompts.length > 1)
      throw new RequestError(400, "return_trace: expected one prompt, got several. Ask once for each.", {
        param: "prompt",
      });
    const { metrics, admission, onError } = service;
    const abort = admission.enter(context);
    const job: Job = {
      ...{ kind, metrics, abort, onError, logProbs, echo },
      heading: heading(kind, name, service.version),
      reader: echo && count !== undefined ? readerOfLogProbs(engine, plan, count) : service.readerOf(plan),
      options: {
        ...{ prompts, maxTokens: wanted === 0 ? 0 : Math.min(...room), trace, logProbs: count, ...format },
        sampling: samplingOf(request),
        stop: stopsOf(request),
        ignoreEnd: request.ignore_eos ?? false,
        n: request.n ?? 1,
      },
      showIds: request.return_token_ids ?? false,
      includeUsage: request.stream_options?.include_usage ?? false,
      showProgress: request.return_progress ?? false,
    };
    const leave = () => admission.leave(abort);
    if (request.stream) return respondStream(context, job, leave);
    try {
      return await respondWhole(context, job);
    } finally {
      leave();
    }
  }
}

/** What the two routes ask in the same way. */
interface Question extends Pick<Job, "kind" | "logProbs" | "echo"> {
  readonly prompts: readonly Int32Array[];
  readonly wanted: number | null | undefined;
  /** Likeliest tokens to come with each, where log probabilities are asked for. */
  readonly count?: number;
}

function expectTokens(bias: Readonly<Record<string, number>>, vocabularySize: number): void {
  const wrong = Object.keys(bias).find((id) => Number(id) >= vocabularySize);
  if (wrong !== undefined)
    throw new RequestError(400, `logit_bias: expected token ids below ${vocabularySize}, got ${wrong}. Leave it out.`, {
      param: "logit_bias",
    });
}

/** Throws RequestError for a base model, which has no chat template. */
export function expectChat({ engine, name }: Service): void {
  if (!hasChat(engine.tokenizer))
    throw new RequestError(400, `${name} has no chat template. Use /v1/completions, or another model.`);
}

/** Tokens that may be written: those that are wanted, else all there is room for. Throws RequestError where they do not fit. */
export function roomFor(contextLength: number, promptTokens: number, wanted: number | null | undefined): number {
  const maxTokens = Math.max(1, wanted ?? contextLength - promptTokens);
  if (promptTokens === 0) throw new RequestError(400, "The prompt is empty. Give some text.", { param: "prompt" });
  if (promptTokens + maxTokens > contextLength) throw tooLong(contextLength, promptTokens, maxTokens);
  return maxTokens;
}
