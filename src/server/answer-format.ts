/** What the answers to one request may be: read for calls of tools, and held inside a grammar. */
import type { ChatRequest, CompletionRequest } from "./chat-request.ts";
import type { CompletionOptions } from "./completion.ts";
import { RequestError } from "./errors.ts";
import type { Grammars } from "./grammar/grammar.ts";
import { formatOf } from "./response-format.ts";
import { callsOf, formatOfTools } from "./tools.ts";

/** Throws RequestError for a format that is wrong, before anything is read. */
export async function answerFormat(
  request: ChatRequest | CompletionRequest,
  grammars: Grammars,
): Promise<Pick<CompletionOptions, "constraint" | "readsCalls">> {
  const asked = formatOf(request);
  const isChat = "messages" in request;
  const format = formatOfTools(isChat ? (request as ChatRequest) : {}, asked);
  if (!format) return {};
  const param = asked?.param ?? "tools";
  if (request.ignore_eos)
    throw new RequestError(400, `ignore_eos: expected none beside ${param}, whose answers end. Leave one out.`, {
      param: "ignore_eos",
    });
  await grammars.check(format, param);
  return {
    constraint: () => grammars.constraint(format),
    ...(isChat && { readsCalls: callsOf(request as ChatRequest) }),
  };
}
