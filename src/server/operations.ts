/** Every route with what goes in and comes out. openapi.test.ts holds it against the routes that there are. */
import type { ErrorStatus } from "./errors.ts";
import type { SchemaName } from "./openapi-schemas.ts";

export interface Operation {
  readonly method: "get" | "post" | "delete";
  /** Parameters in braces. */
  readonly path: string;
  readonly summary: string;
  readonly description?: string;
  /** Of JSON. */
  readonly body?: SchemaName;
  /** The body is a form of files. */
  readonly takesFiles?: true;
  readonly answer: SchemaName | "text" | "html" | "json";
  /** What `"stream": true` gives instead. */
  readonly stream?: string;
  /** Besides those that all routes of its kind have: see errorsOf(). */
  readonly errors?: readonly ErrorStatus[];
}

const answering: readonly ErrorStatus[] = [404, 429];
const openaiStream =
  "Server-sent events: chunks with `delta`, then [DONE]. Lines that begin with a colon keep it open.";
const anthropicStream =
  "Server-sent events: message_start, content_block_start, content_block_delta, content_block_stop, message_delta, message_stop; ping in between; error.";
const embeddingsNote =
  "The mean of a text's hidden states after the model's last norm, over all its tokens, with a length of 1. " +
  "Each text is read by itself: what else is in the request does not matter.";
const cacheNote =
  "Texts that were read and are kept on disk, as `longspan cache list --json` prints them. 404 where the server runs with --no-cache; the answer has `memory` then as well.";
const reportsNote =
  "Runs of `longspan eval run` that are kept in its default folder, the newest first. Damaged and unfinished ones say so.";
const messagesNote =
  "Anthropic's messages. `cache_control` on a block pins the prompt up to its end in the disk cache: the newest 16 such pins, " +
  "never more than half of the cache, as long as the server runs.";

export const operations: readonly Operation[] = [
  {
    ...{ method: "post", path: "/v1/chat/completions", summary: "Answer a conversation" },
    ...{ body: "ChatRequest", answer: "ChatCompletion", stream: openaiStream, errors: answering },
  },
  {
    ...{ method: "post", path: "/v1/completions", summary: "Go on with a text" },
    ...{ body: "CompletionRequest", answer: "Completion", stream: openaiStream, errors: answering },
  },
  {
    ...{ method: "post", path: "/v1/embeddings", summary: "Texts as vectors", description: embeddingsNote },
    ...{ body: "EmbeddingsRequest", answer: "Embeddings", errors: answering },
  },
  {
    ...{ method: "post", path: "/v1/messages", summary: "Answer a conversation", description: messagesNote },
    ...{ body: "MessagesRequest", answer: "Message", stream: anthropicStream, errors: answering },
  },
  {
    ...{ method: "post", path: "/v1/messages/count_tokens", summary: "Count the tokens of a prompt" },
    ...{ body: "CountTokensRequest", answer: "CountedTokens", errors: [404] },
  },
  { method: "get", path: "/v1/models", summary: "The model that answers", answer: "Models" },
  { method: "get", path: "/v1/models/{id}", summary: "The model, by its id", answer: "Model", errors: [404] },
  {
    ...{ method: "get", path: "/v1/cache", summary: "What is kept of texts that were read", description: cacheNote },
    ...{ answer: "Contexts", errors: [404] },
  },
  {
    ...{ method: "delete", path: "/v1/cache/{id}", summary: "Remove a context; what others share with it stays" },
    ...{ answer: "DeletedContext", errors: [404, 409] },
  },
  {
    ...{ method: "post", path: "/v1/cache/{id}/pin", summary: "Never remove a context to make room" },
    ...{ answer: "Context", errors: [404, 409] },
  },
  {
    ...{ method: "post", path: "/v1/cache/{id}/unpin", summary: "Take the pin of a context back" },
    ...{ answer: "Context", errors: [404] },
  },
  {
    ...{ method: "get", path: "/v1/reports", summary: "Evaluation runs", description: reportsNote },
    answer: "Reports",
  },
  {
    ...{ method: "get", path: "/v1/reports/{id}", summary: "A run: what was asked for, and its summary" },
    ...{ answer: "Report", errors: [404] },
  },
  {
    ...{ method: "get", path: "/v1/reports/{id}/page", summary: "The report's page, as it was written" },
    ...{ answer: "html", errors: [404] },
  },
  { method: "get", path: "/v1/plans", summary: "Presets of context plans, and techniques", answer: "Plans" },
  {
    ...{ method: "post", path: "/v1/plans/check", summary: "Complete a context plan and check it" },
    ...{ body: "Plan", answer: "CheckedPlan" },
  },
  {
    ...{ method: "post", path: "/v1/documents", summary: "Files as text, with the tokens they take" },
    ...{ takesFiles: true, answer: "Documents" },
  },
  {
    ...{ method: "post", path: "/tokenize", summary: "Text as token ids, in vLLM's or llama.cpp's dialect" },
    ...{ body: "TokenizeRequest", answer: "Tokens" },
  },
  {
    ...{ method: "post", path: "/detokenize", summary: "Token ids as text" },
    ...{ body: "DetokenizeRequest", answer: "DetokenizedText" },
  },
  { method: "get", path: "/health", summary: "Whether the model is there", answer: "Health" },
  { method: "get", path: "/metrics", summary: "Counters and histograms for Prometheus", answer: "text" },
  { method: "get", path: "/openapi.json", summary: "This description", answer: "json" },
  { method: "get", path: "/", summary: "The web page", answer: "html", errors: [404] },
];

/** All that a route may answer with instead, ascending. 503 while the model loads, or where memory is used up; the page is there before. */
export function errorsOf({ method, path, body, takesFiles, errors = [] }: Operation): ErrorStatus[] {
  const always: ErrorStatus[] = path === "/" ? [500] : [500, 503];
  const ofBodies: ErrorStatus[] = body || takesFiles ? [400, 413] : [];
  const ofOtherSites: ErrorStatus[] = method === "get" ? [] : [403];
  const ofKey: ErrorStatus[] = path.startsWith("/v1") ? [401] : [];
  return [...new Set([...always, ...ofBodies, ...ofOtherSites, ...ofKey, ...errors])].sort();
}
