/** The body of Anthropic's POST /v1/messages, and the same request in OpenAI's words, which all else is done with. */
import { z } from "zod";
import { type ChatRequest, chatSchema, parseBody } from "../chat-request.ts";

const cacheControl = z
  .looseObject({ type: z.literal("ephemeral") })
  .nullish()
  .describe("The prompt up to the end of this block is pinned in the disk cache.");

const textBlock = z.looseObject({ type: z.literal("text"), text: z.string(), cache_control: cacheControl });
const toolUseBlock = z.looseObject({
  type: z.literal("tool_use"),
  id: z.string(),
  name: z.string(),
  input: z.record(z.string(), z.unknown()),
  cache_control: cacheControl,
});
const toolResultBlock = z.looseObject({
  type: z.literal("tool_result"),
  tool_use_id: z.string(),
  content: z.union([z.string(), z.array(textBlock)]).optional(),
  cache_control: cacheControl,
});
/** What another model has thought is not read. */
const thinkingBlock = z.looseObject({ type: z.enum(["thinking", "redacted_thinking"]) });

const block = z.discriminatedUnion("type", [textBlock, toolUseBlock, toolResultBlock, thinkingBlock]);
const message = z.looseObject({ role: z.enum(["user", "assistant"]), content: z.union([z.string(), z.array(block)]) });

const tool = z.looseObject({
  type: z.literal("custom").nullish(),
  name: z.string(),
  description: z.string().optional(),
  input_schema: z.record(z.string(), z.unknown()),
  cache_control: cacheControl,
});
const toolChoice = z.looseObject({ type: z.enum(["auto", "any", "tool", "none"]), name: z.string().optional() });

/** What a prompt is made of: the body of POST /v1/messages/count_tokens. */
export const countTokensSchema = z.looseObject({
  model: z.string().optional(),
  system: z.union([z.string(), z.array(textBlock)]).nullish(),
  messages: z.array(message).min(1),
  tools: z.array(tool).nullish(),
  tool_choice: toolChoice.nullish(),
});

export const messagesSchema = z.looseObject({
  ...countTokensSchema.shape,
  max_tokens: z.number().int().min(1),
  stop_sequences: z.array(z.string()).max(16).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  top_k: z.number().int().nullish(),
  stream: z.boolean().nullish(),
  long_context: z.unknown().optional().describe("A context plan, or parts of one."),
});

export type MessagesRequest = z.infer<typeof messagesSchema>;
/** What is read of a request. */
export type MessagesPrompt = z.infer<typeof countTokensSchema>;
export type Block = z.infer<typeof block>;

/** Throws RequestError for what is not supported in OpenAI's requests either. */
export function chatRequestOf(request: MessagesPrompt & Partial<MessagesRequest>): ChatRequest {
  const { model, max_tokens, temperature, top_p, top_k, stop_sequences: stop, long_context, tools } = request;
  return parseBody(chatSchema, {
    ...{ model, max_tokens, temperature, top_p, top_k, stop, long_context },
    messages: chatMessagesOf(request),
    ...(tools?.length && {
      tools: tools.map(({ name, description, input_schema: parameters }) => ({
        type: "function",
        function: { name, description, parameters },
      })),
      tool_choice: toolChoiceOf(request),
    }),
  });
}

function chatMessagesOf({ system, messages }: MessagesPrompt): object[] {
  const instructions = textOf(system ?? "");
  return [
    ...(instructions ? [{ role: "system", content: instructions }] : []),
    ...messages.flatMap(({ role, content }) => {
      const blocks = blocksOf(content);
      return role === "user" ? userMessages(blocks) : [assistantMessage(blocks)];
    }),
  ];
}

/** Results of tools are messages of their own, before what is said with them. */
function userMessages(blocks: readonly Block[]): object[] {
  const results = blocks.flatMap((block) =>
    block.type === "tool_result"
      ? [{ role: "tool", tool_call_id: block.tool_use_id, content: textOf(block.content ?? "") }]
      : [],
  );
  const content = textOf(blocks);
  return content || results.length === 0 ? [...results, { role: "user", content }] : results;
}

function assistantMessage(blocks: readonly Block[]): object {
  const calls = blocks.flatMap((block) =>
    block.type === "tool_use"
      ? [{ id: block.id, type: "function", function: { name: block.name, arguments: JSON.stringify(block.input) } }]
      : [],
  );
  return { role: "assistant", content: textOf(blocks), ...(calls.length > 0 && { tool_calls: calls }) };
}

function toolChoiceOf({ tool_choice: choice }: MessagesPrompt): unknown {
  switch (choice?.type) {
    case "any":
      return "required";
    case "tool":
      return { type: "function", function: { name: choice.name ?? "" } };
    default:
      return choice?.type;
  }
}

export function blocksOf(content: string | readonly Block[]): readonly Block[] {
  return typeof content === "string" ? [{ type: "text", text: content }] : content;
}

function textOf(content: string | readonly Block[]): string {
  if (typeof content === "string") return content;
  return content.map((block) => (block.type === "text" ? block.text : "")).join("");
}
