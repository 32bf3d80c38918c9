/** Anthropic's POST /v1/messages and /v1/messages/count_tokens, over the same prompts and pools as OpenAI's routes. */
import type { Hono } from "hono";
import { renderChat } from "../../tokenizer/chat-template.ts";
import { answerFormat } from "../answer-format.ts";
import { heading } from "../answers.ts";
import { bodyOf, messagesOf, parseBody, planOf, samplingOf, stopsOf } from "../chat-request.ts";
import { expectChat, roomFor } from "../completions.ts";
import type { Service } from "../service.ts";
import { toolsOf } from "../tools.ts";
import { markedLengths } from "./cache-marks.ts";
import {
  chatRequestOf,
  countTokensSchema,
  type MessagesPrompt,
  type MessagesRequest,
  messagesSchema,
} from "./request.ts";
import { type MessagesJob, respondMessages, respondMessagesStream } from "./respond.ts";

export function addMessageRoutes(app: Hono, service: Service): void {
  const { tokenizer } = service.engine;

  app.post("/v1/messages/count_tokens", async (context) => {
    const request = parseBody(countTokensSchema, await bodyOf(context));
    service.expectModel(request.model);
    expectChat(service);
    return context.json({ input_tokens: promptIdsOf(request).length });
  });

  app.post("/v1/messages", async (context) => {
    const request = parseBody(messagesSchema, await bodyOf(context));
    service.expectModel(request.model);
    expectChat(service);
    const work = await workOf(request);
    const abort = service.admission.enter(context);
    const leave = () => service.admission.leave(abort);
    if (request.stream) return respondMessagesStream(context, { ...work, abort }, leave);
    try {
      return await respondMessages(context, { ...work, abort });
    } finally {
      leave();
    }
  });

  /** With the beginning of the answer that a last message of the assistant's gives. */
  function promptIdsOf(request: MessagesPrompt): Int32Array {
    const chat = chatRequestOf(request);
    const messages = messagesOf(chat);
    const tools = toolsOf(chat);
    const last = messages[messages.length - 1];
    const isBegun = last.role === "assistant" && !last.tool_calls && messages.length > 1;
    if (!isBegun) return renderChat(tokenizer, messages, { tools });
    const ids = renderChat(tokenizer, messages.slice(0, -1), { tools });
    return Int32Array.from([...ids, ...tokenizer.encode(last.content, { bos: false })]);
  }

  async function workOf(request: MessagesRequest): Promise<Omit<MessagesJob, "abort">> {
    const chat = chatRequestOf(request);
    const asked = planOf(chat, service.plan);
    const promptIds = promptIdsOf(request);
    const plan = service.promptPlan(asked, promptIds.length);
    const maxTokens = roomFor(service.contextLength(plan), promptIds.length, request.max_tokens);
    const format = await answerFormat(chat, service.grammars);
    const marked = markedLengths(request, promptIds, promptIdsOf);
    return {
      ...{ kind: "chat", metrics: service.metrics, onError: service.onError },
      heading: heading("chat", service.name, service.version),
      reader: service.readerOf(plan),
      options: {
        prompts: [promptIds],
        maxTokens,
        sampling: samplingOf(chat),
        stop: stopsOf(chat),
        ignoreEnd: false,
        n: 1,
        ...format,
      },
      includeUsage: true,
      showProgress: false,
      markedTokens: Math.max(0, ...marked),
      promptTokens: promptIds.length,
      decode: (tokenIds) => tokenizer.decode(tokenIds),
      async keepMarked() {
        for (const length of marked) {
          // What cannot be pinned is no reason not to answer.
          await service.pinPrompt(promptIds, length, plan).catch(service.onError);
        }
      },
    };
  }
}
