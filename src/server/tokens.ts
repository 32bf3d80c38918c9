/** POST /tokenize and /detokenize in two dialects: vLLM's (prompt or messages, count) and llama.cpp's (content, pieces). */
import type { Hono } from "hono";
import { z } from "zod";
import { renderChat } from "../tokenizer/chat-template.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { bodyOf, messageSchema, messagesOf, parseBody } from "./chat-request.ts";
import { RequestError } from "./errors.ts";

export const tokenizeSchema = z.looseObject({
  prompt: z.string().optional(),
  content: z.string().optional(),
  messages: z.array(messageSchema).min(1).optional(),
  add_generation_prompt: z.boolean().optional(),
  /** vLLM's, by default true, and llama.cpp's, by default false. */
  add_special_tokens: z.boolean().optional(),
  add_special: z.boolean().optional(),
  return_token_strs: z.boolean().nullish(),
  with_pieces: z.boolean().optional(),
});
export const detokenizeSchema = z.looseObject({ tokens: z.array(z.number().int().min(0)) });

export function addTokenRoutes(app: Hono, tokenizer: Tokenizer, contextLength: number): void {
  const textOf = (id: number) => new TextDecoder().decode(tokenizer.tokenBytes(id));

  app.post("/tokenize", async (context) => {
    const request = parseBody(tokenizeSchema, await bodyOf(context));
    const { prompt, content, messages, add_generation_prompt: addGenerationPrompt = true } = request;
    if (messages) {
      const ids = Array.from(renderChat(tokenizer, messagesOf({ messages }), { addGenerationPrompt }));
      return context.json({ count: ids.length, max_model_len: contextLength, tokens: ids });
    }
    const text = prompt ?? content;
    if (text === undefined)
      throw new RequestError(400, "tokenize: expected prompt, messages or content, got none. Give one of them.");
    const bos = prompt === undefined ? (request.add_special ?? false) : (request.add_special_tokens ?? true);
    const ids = Array.from(tokenizer.encode(text, bos ? {} : { bos: false }));
    return context.json({
      ...(prompt !== undefined && { count: ids.length, max_model_len: contextLength }),
      tokens: request.with_pieces ? ids.map((id) => ({ id, piece: textOf(id) })) : ids,
      ...(request.return_token_strs && { token_strs: ids.map(textOf) }),
    });
  });

  app.post("/detokenize", async (context) => {
    const { tokens } = parseBody(detokenizeSchema, await bodyOf(context));
    const text = tokenizer.decode(tokens);
    return context.json({ prompt: text, content: text });
  });
}
