/** Bodies and answers by name, as /openapi.json shows them. Answers may have more fields than are told here. */
import { z } from "zod";
import { chatSchema, completionSchema } from "./chat-request.ts";
import { embeddingsSchema } from "./embeddings.ts";
import { countTokensSchema, messagesSchema } from "./messages/request.ts";
import { reportEntrySchema, reportSchema } from "./reports-schema.ts";
import { detokenizeSchema, tokenizeSchema } from "./tokens.ts";

const count = z.number().int().min(0);

const usage = z.looseObject({
  prompt_tokens: count,
  completion_tokens: count,
  total_tokens: count,
  prompt_tokens_details: z
    .looseObject({ cached_tokens: count })
    .describe("Tokens of the prompt that had been read before."),
});

const completion = {
  id: z.string(),
  created: count,
  model: z.string(),
  system_fingerprint: z.string(),
};

const model = z.looseObject({
  ...{ id: z.string(), object: z.literal("model"), created: count, owned_by: z.string(), max_model_len: count },
  meta: z
    .looseObject({ n_ctx_train: count, n_vocab: count, n_embd: count, size: count })
    .describe("llama.cpp's names."),
});

const context = z.looseObject({
  id: z.string().describe("To be given to the other routes of the cache."),
  model: z.string(),
  tokens: count,
  blocks: count,
  bytes: count.describe("Of all its blocks."),
  ownBytes: count.describe("Of those of its blocks that no other context needs."),
  usedAt: z.string(),
  isPinned: z.boolean(),
  isComplete: z.boolean(),
  firstWords: z.string().nullable(),
});

const memory = z.looseObject({ sessions: count, bytes: count, maxBytes: z.number() });

const plan = z.looseObject({}).describe("A context plan, or parts of one: see docs/PLANS.md.");
const describedPlan = { plan, context_length: count };
const axisMember = z.looseObject({ id: z.string(), summary: z.string() });
const planProblem = z.looseObject({ where: z.string(), reason: z.string(), remedy: z.string() });

const finishReason = z.enum(["stop", "length", "tool_calls"]);

export const schemas = {
  ChatRequest: chatSchema,
  CompletionRequest: completionSchema,
  EmbeddingsRequest: embeddingsSchema,
  MessagesRequest: messagesSchema,
  CountTokensRequest: countTokensSchema,
  TokenizeRequest: tokenizeSchema,
  DetokenizeRequest: detokenizeSchema,
  Plan: plan,
  ChatCompletion: z.looseObject({
    ...completion,
    object: z.literal("chat.completion"),
    choices: z.array(
      z.looseObject({
        index: count,
        message: z.looseObject({ role: z.literal("assistant"), content: z.string().nullable() }),
        finish_reason: finishReason,
      }),
    ),
    usage,
  }),
  Completion: z.looseObject({
    ...completion,
    object: z.literal("text_completion"),
    choices: z.array(z.looseObject({ index: count, text: z.string(), finish_reason: finishReason })),
    usage,
  }),
  Embeddings: z.looseObject({
    object: z.literal("list"),
    model: z.string(),
    data: z.array(
      z.looseObject({
        object: z.literal("embedding"),
        index: count,
        embedding: z.union([z.array(z.number()), z.string()]),
      }),
    ),
    usage: z.looseObject({ prompt_tokens: count, total_tokens: count }),
  }),
  Message: z.looseObject({
    id: z.string(),
    type: z.literal("message"),
    role: z.literal("assistant"),
    model: z.string(),
    content: z.array(z.looseObject({ type: z.enum(["text", "tool_use"]) })),
    stop_reason: z.enum(["end_turn", "max_tokens", "stop_sequence", "tool_use"]),
    stop_sequence: z.string().nullable(),
    usage: z.looseObject({
      input_tokens: count,
      cache_creation_input_tokens: count,
      cache_read_input_tokens: count,
      output_tokens: count,
    }),
  }),
  CountedTokens: z.looseObject({ input_tokens: count }),
  Model: model,
  Models: z.looseObject({ object: z.literal("list"), data: z.array(model) }),
  Context: context,
  Contexts: z.looseObject({
    object: z.literal("list"),
    data: z.array(context),
    memory,
    disk: z.looseObject({ blocks: count, bytes: count, maxBytes: z.number() }),
  }),
  DeletedContext: z.looseObject({ id: z.string(), object: z.literal("context"), deleted: z.literal(true) }),
  Reports: z.looseObject({ object: z.literal("list"), data: z.array(reportEntrySchema) }),
  Report: reportSchema,
  Tokens: z.looseObject({
    tokens: z.array(z.union([count, z.looseObject({ id: count, piece: z.string() })])),
    token_strs: z.array(z.string()).optional(),
    count: count.optional(),
    max_model_len: count.optional(),
  }),
  DetokenizedText: z.looseObject({ prompt: z.string(), content: z.string() }),
  Plans: z.looseObject({
    default: z.looseObject(describedPlan),
    presets: z.array(z.looseObject({ name: z.string(), summary: z.string(), ...describedPlan })),
    techniques: z.record(z.string(), z.array(axisMember)).describe("By axis of a plan."),
  }),
  CheckedPlan: z.looseObject({
    ...describedPlan,
    problems: z.array(planProblem).describe("Why the plan cannot run."),
    notes: z.array(z.string()).describe("What works, with care."),
  }),
  Documents: z.looseObject({
    documents: z.array(
      z.union([
        z.looseObject({ name: z.string(), text: z.string(), tokens: count, notes: z.array(z.string()) }),
        z.looseObject({ name: z.string(), error: z.string() }),
      ]),
    ),
  }),
  Health: z.looseObject({ status: z.enum(["ok", "loading"]), progress: z.number().optional() }),
  Error: z.looseObject({
    error: z.looseObject({
      message: z.string(),
      type: z.string(),
      param: z.string().nullable(),
      code: z.string().nullable(),
    }),
  }),
  MessagesError: z.looseObject({
    type: z.literal("error"),
    error: z.looseObject({ type: z.string(), message: z.string() }),
  }),
} satisfies Record<string, z.ZodType>;

export type SchemaName = keyof typeof schemas;
