/** The bodies of POST /v1/chat/completions and /v1/completions, as OpenAI's and vLLM's clients write them. Fields that nobody knows are passed over. */
import type { Context } from "hono";
import { z } from "zod";
import { defaultPlan, type Plan, parsePlan } from "../context/plan.ts";
import type { ChatMessage, ToolCall } from "../tokenizer/chat-template.ts";
import { RequestError } from "./errors.ts";
import { formatFields } from "./response-format.ts";
import { toolFields } from "./tools.ts";

const textPart = z.looseObject({ type: z.literal("text"), text: z.string() });
const content = z.union([z.string(), z.array(textPart), z.null()]);
const toolCall = z.looseObject({
  id: z.string().optional(),
  type: z.literal("function").optional(),
  function: z.looseObject({ name: z.string(), arguments: z.union([z.string(), z.record(z.string(), z.unknown())]) }),
});
export const messageSchema = z.looseObject({
  role: z.string(),
  content: content.optional(),
  tool_calls: z.array(toolCall).nullish(),
  tool_call_id: z.string().nullish(),
  name: z.string().nullish(),
});

const count = z.number().int().min(1);

const penalty = z.number().min(-2).max(2);
const common = {
  model: z.string().optional(),
  frequency_penalty: penalty.nullish(),
  presence_penalty: penalty.nullish(),
  /** By token id. */
  logit_bias: z.record(z.string().regex(/^\d+$/, "expected token ids"), z.number().min(-100).max(100)).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  top_k: z.number().int().nullish(),
  min_p: z.number().min(0).max(1).nullish(),
  seed: z.number().int().nullish(),
  n: count.max(16).nullish(),
  stop: z.union([z.string(), z.array(z.string()).max(16)]).nullish(),
  ignore_eos: z.boolean().nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().optional() }).nullish(),
  /** llama.cpp's: chunks with the progress of the prefill. */
  return_progress: z.boolean().nullish(),
  /** What the answer made of its prompt: see trace.ts. */
  return_trace: z.boolean().nullish(),
  /** A context plan, or parts of one. */
  long_context: z.unknown().optional(),
  /** vLLM's: answers come with the ids of their tokens, and of the prompt's. */
  return_token_ids: z.boolean().nullish(),
  ...formatFields,
};

export const chatSchema = z.looseObject({
  ...common,
  ...toolFields,
  messages: z.array(messageSchema).min(1),
  max_tokens: count.nullish(),
  max_completion_tokens: count.nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.number().int().min(0).max(20).nullish(),
});

const tokenIds = z.array(z.number().int().min(0)).min(1);

export const completionSchema = z.looseObject({
  ...common,
  prompt: z.union([z.string(), z.array(z.string()).min(1).max(256), tokenIds, z.array(tokenIds).min(1).max(256)]),
  max_tokens: z.number().int().min(0).nullish(),
  logprobs: z.number().int().min(0).max(5).nullish(),
  /** vLLM's: tokens are written as token_id:N in log probabilities. */
  return_tokens_as_token_ids: z.boolean().nullish(),
  echo: z.boolean().nullish(),
  suffix: z.string().nullish(),
});

export type ChatRequest = z.infer<typeof chatSchema>;
export type CompletionRequest = z.infer<typeof completionSchema>;

const isGiven = (value: unknown) => value != null && !(Array.isArray(value) && value.length === 0);
const isOtherThan = (neutral: unknown) => (value: unknown) => value != null && value !== neutral;
/** What is asked for by other fields and not there: refused, so that nobody takes the answer for what was asked. */
const missing: readonly [field: string, isAsked: (value: unknown) => boolean][] = [
  ["functions", isGiven],
  ["function_call", isOtherThan("none")],
  ["modalities", (value) => Array.isArray(value) && value.some((kind) => kind !== "text")],
  ["audio", isGiven],
  ["web_search_options", isGiven],
  ["guided_grammar", isGiven],
  ["guided_grammar", isGiven],
  ["best_of", isOtherThan(1)],
  ["repetition_penalty", isOtherThan(1)],
  ["min_tokens", isOtherThan(0)],
  ["stop_token_ids", isGiven],
  ["bad_words", isGiven],
  ["include_stop_str_in_output", isOtherThan(false)],
  ["prompt_logprobs", isGiven],
  ["continue_final_message", isOtherThan(false)],
  ["truncate_prompt_tokens", isGiven],
  ["chat_template", isGiven],
];

export async function bodyOf(context: Context): Promise<unknown> {
  try {
    return await context.req.json();
  } catch (error) {
    if (error instanceof RequestError) throw error;
    throw new RequestError(400, "The body is not JSON. Correct the request.");
  }
}

export function parseBody<T extends z.ZodType>(schema: T, body: unknown): z.infer<T> {
  const parsed = schema.safeParse(body);
  if (!parsed.success) {
    const [{ path, message }] = parsed.error.issues;
    const param = path.join(".");
    throw new RequestError(400, `${param || "body"}: ${message}. Correct the request.`, { param: param || null });
  }
  for (const [field, isAsked] of missing)
    if (isAsked((body as Record<string, unknown>)[field]))
      throw new RequestError(400, `${field}: expected none, it is not supported. Leave it out.`, { param: field });
  return parsed.data;
}

export function messagesOf({ messages }: Pick<ChatRequest, "messages">): ChatMessage[] {
  return messages.map(({ role, content, tool_calls: calls, tool_call_id: id, name }) => ({
    role,
    content: typeof content === "string" ? content : (content ?? []).map(({ text }) => text).join(""),
    ...(calls?.length && { tool_calls: calls.map(toolCallOf) }),
    ...(id != null && { tool_call_id: id }),
    ...(name != null && { name }),
  }));
}

function toolCallOf({ id, function: { name, arguments: given } }: z.infer<typeof toolCall>): ToolCall {
  return { ...(id !== undefined && { id }), type: "function", function: { name, arguments: argumentsOf(given) } };
}

/** As an object, for templates write it as JSON again; a model's broken JSON stays text. */
function argumentsOf(given: unknown): unknown {
  if (typeof given !== "string") return given;
  try {
    return given.trim() === "" ? {} : JSON.parse(given);
  } catch {
    return given;
  }
}

export interface Sampling {
  readonly temperature: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly minP?: number;
  readonly seed?: number;
  readonly frequencyPenalty?: number;
  readonly presencePenalty?: number;
  readonly logitBias?: Readonly<Record<number, number>>;
}

/** OpenAI's default temperature is 1. Without a seed every request draws anew. */
export function samplingOf(request: ChatRequest | CompletionRequest): Sampling {
  const { temperature, top_p: topP, top_k: topK, min_p: minP, seed } = request;
  const { frequency_penalty: frequencyPenalty, presence_penalty: presencePenalty, logit_bias: logitBias } = request;
  return {
    temperature: temperature ?? 1,
    ...(topP != null && { topP }),
    ...(topK != null && topK > 0 && { topK }),
    ...(minP != null && { minP }),
    ...(frequencyPenalty != null && { frequencyPenalty }),
    ...(presencePenalty != null && { presencePenalty }),
    ...(logitBias != null && { logitBias }),
    seed: seed ?? Math.floor(Math.random() * 2 ** 31),
  };
}

export function stopsOf({ stop }: ChatRequest | CompletionRequest): string[] {
  return typeof stop === "string" ? [stop] : (stop ?? []);
}

/** The request's own plan, or the server's. */
export function planOf({ long_context: plan }: ChatRequest | CompletionRequest, fallback: Plan = defaultPlan): Plan {
  return plan == null ? fallback : parsePlan(plan);
}
