/** The body of POST /v1/chat/completions, as OpenAI's and vLLM's clients write it. Fields that nobody knows are passed over. */
import type { Context } from "hono";
import { z } from "zod";
import { defaultPlan, type Plan, parsePlan } from "../context/plan.ts";
import type { ChatMessage } from "../tokenizer/chat-template.ts";
import { RequestError } from "./errors.ts";

const textPart = z.looseObject({ type: z.literal("text"), text: z.string() });
const content = z.union([z.string(), z.array(textPart), z.null()]);
export const messageSchema = z.looseObject({ role: z.string(), content: content.optional() });

const count = z.number().int().min(1);

const common = {
  model: z.string().optional(),
  max_tokens: count.nullish(),
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
  /** A context plan, or parts of one. */
  long_context: z.unknown().optional(),
};

export const chatSchema = z.looseObject({
  ...common,
  messages: z.array(messageSchema).min(1),
  max_completion_tokens: count.nullish(),
});

export const completionSchema = z.looseObject({
  ...common,
  prompt: z.union([z.string(), z.array(z.number().int())]),
});

export type ChatRequest = z.infer<typeof chatSchema>;
export type CompletionRequest = z.infer<typeof completionSchema>;

/** What is asked for by other fields and not there yet: refused, so that nobody takes the answer for what was asked. */
const missing: readonly [field: string, isAsked: (value: unknown) => boolean][] = [
  ["tools", (value) => Array.isArray(value) && value.length > 0],
  ["response_format", (value) => (value as { type?: string } | null)?.type !== "text" && value != null],
  ["logprobs", (value) => value === true || typeof value === "number"],
  ["logit_bias", (value) => value != null && Object.keys(value as object).length > 0],
  ["frequency_penalty", (value) => value != null && value !== 0],
  ["presence_penalty", (value) => value != null && value !== 0],
  ["echo", (value) => value === true],
  ["suffix", (value) => value != null],
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
      throw new RequestError(400, `${field}: expected none, it is not supported yet. Leave it out.`, { param: field });
  return parsed.data;
}

export function messagesOf({ messages }: Pick<ChatRequest, "messages">): ChatMessage[] {
  return messages.map(({ role, content }) => ({
    role,
    content: typeof content === "string" ? content : (content ?? []).map(({ text }) => text).join(""),
  }));
}

export interface Sampling {
  readonly temperature: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly minP?: number;
  readonly seed?: number;
}

/** OpenAI's default temperature is 1. Without a seed every request draws anew. */
export function samplingOf(request: ChatRequest | CompletionRequest): Sampling {
  const { temperature, top_p: topP, top_k: topK, min_p: minP, seed } = request;
  return {
    temperature: temperature ?? 1,
    ...(topP != null && { topP }),
    ...(topK != null && topK > 0 && { topK }),
    ...(minP != null && { minP }),
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
