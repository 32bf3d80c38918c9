/**
 * An OpenAI-compatible server without a model, on loopback, that fails on demand: inside a test (`startFakeEndpoint`),
 * or as a process of its own that prints its URL as the first line:
 *
 *   node dist/test/support/fake-endpoint.js [--port N] [--latency MS] [--context TOKENS] [--faults '{"seed":1,"tooMany":0.1}']
 *
 * As a process it answers with all numbers of six digits and more in the prompt, which is right for RULER's needles.
 */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createRandom } from "../../src/eval/random.ts";

/**
 * tooMany: 429 with Retry-After 0. serverError: 500. hang: no reply, ever. cut: the connection breaks in the middle of
 * the body. reset: it breaks before the first byte. garbage: 200 with half of the JSON.
 */
export const faultKinds = ["tooMany", "serverError", "hang", "cut", "reset", "garbage"] as const;
export type FaultKind = (typeof faultKinds)[number];

/** Shares of requests that fail, by kind. What befalls a request depends on its body and on how often it came before. */
export interface Faults extends Partial<Record<FaultKind, number>> {
  readonly seed?: number;
  /** The same request is answered after so many failures. Default 3. */
  readonly most?: number;
}

/** What a server may lack. "max_tokens": it wants max_completion_tokens. */
export type Lack =
  | "models"
  | "props"
  | "tokenize"
  | "usage"
  | "completions"
  | "chat"
  | "echo"
  | "continue"
  | "max_tokens";

export interface FakeOptions {
  /** From the prompt to the answer; of a conversation, its messages one below the other. */
  readonly answer: (prompt: string) => string;
  readonly faults?: Faults;
  readonly latencyMs?: number;
  readonly port?: number;
  readonly lacks?: readonly Lack[];
  readonly tokenizeDialect?: "llama.cpp" | "vllm";
  /** Repeats an open answer before going on with it, as llama.cpp does. */
  readonly repeatsOpening?: boolean;
  /** Default 131,072 */
  readonly contextLength?: number;
  /** Prompts above this many tokens silently lose their beginning. */
  readonly cutsPromptsAt?: number;
  /** Default: one token for every four characters of a word. */
  readonly countTokens?: (text: string) => number;
}

export interface FakeEndpoint {
  readonly url: string;
  /** Generation requests so far, failed ones included. */
  requests(): number;
  maxInFlight(): number;
  /** Bodies of generation requests, in order of arrival. */
  bodies(): readonly Record<string, unknown>[];
  /** The next generation requests fail so, in this order. */
  inject(...kinds: FaultKind[]): void;
  close(): Promise<void>;
}

type Message = { role: string; content: string };
interface Body {
  prompt?: string;
  content?: string;
  messages?: Message[];
  max_tokens?: number;
  max_completion_tokens?: number;
  stop?: string[];
  echo?: boolean;
  logprobs?: number;
  continue_final_message?: boolean;
}

export async function startFakeEndpoint(options: FakeOptions): Promise<FakeEndpoint> {
  const { answer, faults = {}, latencyMs = 0, port = 0, contextLength = 131_072, cutsPromptsAt } = options;
  const { tokenizeDialect = "llama.cpp", countTokens = (text) => piecesOf(text).length } = options;
  const lacks = new Set(options.lacks);
  const bodies: Body[] = [];
  const injected: FaultKind[] = [];
  const seen = new Map<string, number>();
  let [inFlight, maxInFlight] = [0, 0];

  function faultFor(body: string): FaultKind | undefined {
    if (injected.length > 0) return injected.shift();
    const hash = createHash("sha256").update(body).digest("hex");
    const times = seen.get(hash) ?? 0;
    seen.set(hash, times + 1);
    if (times >= (faults.most ?? 3)) return undefined;
    const draw = createRandom(faults.seed ?? 0, hash, times).next();
    let share = 0;
    for (const kind of faultKinds) {
      share += faults[kind] ?? 0;
      if (draw < share) return kind;
    }
    return undefined;
  }

  function complete(body: Body): object | string {
    const { messages, prompt = "", echo, logprobs, stop = [] } = body;
    const isChat = messages !== undefined;
    const limit = body.max_completion_tokens ?? body.max_tokens ?? 16;
    if (isChat && lacks.has("max_tokens") && body.max_tokens !== undefined)
      return "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.";
    const isOpen = isChat && body.continue_final_message === true && !lacks.has("continue");
    const read = isChat ? renderMessages(messages, isOpen) : prompt;
    let promptTokens = countTokens(read);
    if (promptTokens + limit > contextLength)
      return `This model's maximum context length is ${contextLength} tokens, you asked for ${promptTokens + limit}`;
    let words = isChat ? messages.map(({ content }) => content).join("\n") : prompt;
    if (cutsPromptsAt !== undefined && promptTokens > cutsPromptsAt) {
      words = piecesOf(words).slice(-cutsPromptsAt).join("");
      promptTokens = cutsPromptsAt;
    }
    const whole = stop.reduce((text, end) => text.split(end)[0], answer(words));
    const pieces = piecesOf(whole);
    const text = pieces.slice(0, limit).join("");
    const echoes = echo === true && logprobs !== undefined && !lacks.has("echo");
    const echoed = echoes ? [...piecesOf(prompt), ...pieces.slice(0, limit)] : [];
    const opening = isOpen && options.repeatsOpening ? messages[messages.length - 1].content : "";
    return {
      object: isChat ? "chat.completion" : "text_completion",
      choices: [
        {
          index: 0,
          finish_reason: pieces.length > limit ? "length" : "stop",
          ...(isChat ? { message: { role: "assistant", content: opening + text } } : { text }),
          logprobs: echoes ? { tokens: echoed, token_logprobs: echoed.map((_, i) => (i === 0 ? null : -i)) } : null,
        },
      ],
      ...(lacks.has("usage")
        ? {}
        : { usage: { prompt_tokens: promptTokens, completion_tokens: Math.min(limit, pieces.length) } }),
    };
  }

  async function generate(body: string, reply: ServerResponse): Promise<void> {
    bodies.push(JSON.parse(body));
    maxInFlight = Math.max(maxInFlight, ++inFlight);
    reply.on("close", () => inFlight--);
    const fault = faultFor(body);
    if (fault === "hang") return;
    if (fault === "reset") return void reply.destroy();
    await sleep(latencyMs);
    if (fault === "tooMany") return send(reply, 429, errorOf("slow down"), { "retry-after": "0" });
    if (fault === "serverError") return send(reply, 500, errorOf("it broke"));
    const completion = complete(JSON.parse(body));
    if (typeof completion === "string") return send(reply, 400, errorOf(completion));
    const text = JSON.stringify(completion);
    if (fault === "garbage") return send(reply, 200, text.slice(0, text.length / 2));
    if (fault !== "cut") return send(reply, 200, text);
    reply.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
    reply.write(text.slice(0, text.length / 2), () => reply.destroy());
  }

  async function serve(request: IncomingMessage, reply: ServerResponse): Promise<void> {
    const body = await bodyOf(request);
    const path = request.url ?? "";
    if (path === "/v1/completions" && !lacks.has("completions")) return generate(body, reply);
    if (path === "/v1/chat/completions" && !lacks.has("chat")) return generate(body, reply);
    if (path === "/v1/models" && !lacks.has("models"))
      return send(
        reply,
        200,
        JSON.stringify({ data: [{ id: "fake", max_model_len: contextLength }, { id: "other" }] }),
      );
    if (path === "/props" && !lacks.has("props"))
      return send(reply, 200, JSON.stringify({ default_generation_settings: { n_ctx: contextLength } }));
    if (path === "/tokenize" && !lacks.has("tokenize")) {
      const { content, prompt } = JSON.parse(body) as Body;
      const text = tokenizeDialect === "llama.cpp" ? content : prompt;
      if (text === undefined) return send(reply, 422, JSON.stringify({ detail: "field required" }));
      const count = countTokens(text);
      return send(
        reply,
        200,
        JSON.stringify(tokenizeDialect === "vllm" ? { count } : { tokens: Array(count).fill(1) }),
      );
    }
    send(reply, 404, errorOf("not found"));
  }

  const server = createServer((request, reply) => {
    serve(request, reply).catch((error) => reply.destroy(error));
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: () => bodies.length,
    maxInFlight: () => maxInFlight,
    bodies: () => bodies as Record<string, unknown>[],
    inject: (...kinds) => void injected.push(...kinds),
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };
}

/** Tokens: at most four characters of a word with the white space before them. */
function piecesOf(text: string): string[] {
  return text.match(/\s*\S{1,4}|\s+$/g) ?? [];
}

function renderMessages(messages: readonly Message[], isOpen: boolean): string {
  const turns = messages.map(({ role, content }) => `<|${role}|>\n${content}<|end|>\n`);
  if (!isOpen) return `${turns.join("")}<|assistant|>\n`;
  return turns.join("").replace(/<\|end\|>\n$/, "");
}

function errorOf(message: string): string {
  return JSON.stringify({ error: { message } });
}

function send(reply: ServerResponse, status: number, body: string, headers: Record<string, string> = {}): void {
  reply.writeHead(status, { "content-type": "application/json", ...headers });
  reply.end(body);
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: "string", default: "0" },
      latency: { type: "string", default: "0" },
      context: { type: "string", default: "131072" },
      faults: { type: "string", default: "{}" },
    },
  });
  const endpoint = await startFakeEndpoint({
    answer: (prompt) => ` ${(prompt.match(/\d{6,}/g) ?? []).join(", ")}`,
    port: Number(values.port),
    latencyMs: Number(values.latency),
    contextLength: Number(values.context),
    faults: JSON.parse(values.faults),
  });
  console.log(endpoint.url);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
