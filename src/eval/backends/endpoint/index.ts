/** Any server that speaks the OpenAI API as a backend of evaluation: hosted, vLLM, llama.cpp, or Longspan's own. */
import { createHash } from "node:crypto";
import { CapacityError, InputError, UnsupportedError } from "../../../runtime/errors.ts";
import type { Tokenizer } from "../../../tokenizer/tokenizer.ts";
import type { Backend, Generation, GenerationRequest, PromptMode } from "../../types.ts";
import { createClient, Refusal } from "./client.ts";
import { createCounter, type TokenCounter } from "./counter.ts";
import { type Capabilities, countOnServer, probe } from "./probe.ts";
import {
  type Completion,
  completionBody,
  echoBody,
  type LogProbabilities,
  type Prompt,
  paths,
  readCompletion,
  readEcho,
} from "./protocol.ts";
import { chooseRender } from "./render.ts";

export interface EndpointOptions {
  /** With or without /v1. */
  readonly url: string;
  readonly mode: PromptMode;
  /** Default: the first that the server lists. */
  readonly model?: string;
  /** Default: LONGSPAN_API_KEY of the environment; for OpenAI's own host OPENAI_API_KEY as well. */
  readonly apiKey?: string;
  /** Of the server's model: counts become exact, and chat+prefill possible on every server with completions. */
  readonly tokenizer?: Tokenizer;
  /** Tokens of prompt and answer together. Default: what the server says. */
  readonly contextLength?: number;
  /** Requests in flight. */
  readonly concurrency?: number;
  /** For one try of one request. */
  readonly timeoutSeconds?: number;
  /** Tries after the first. */
  readonly retries?: number;
  /** The wait after a first failure; it doubles with each further one. */
  readonly backoffSeconds?: number;
  /** Prices of a million tokens, in any currency. */
  readonly prices?: Prices;
  readonly signal?: AbortSignal;
}

export interface Prices {
  readonly promptMillion: number;
  readonly outputMillion: number;
}

/** Of all answers since opening; the requests of the probe are not in it. */
export interface Totals {
  readonly answers: number;
  /** Answers and failed tries. */
  readonly attempts: number;
  readonly promptTokens: number;
  /** What was counted for the same prompts before they were sent: how good an estimate is. */
  readonly countedTokens: number;
  readonly cachedTokens: number;
  readonly outputTokens: number;
  readonly truncated: number;
  /** In the currency of `prices`; absent without them. */
  readonly cost?: number;
}

export interface EndpointBackend extends Backend {
  readonly model: string;
  readonly capabilities: Capabilities;
  /** Where token counts come from. Only "tokenizer" is exact. */
  readonly counter: TokenCounter["kind"];
  readonly totals: Totals;
  /** Log probabilities of a text's own tokens, where the server echoes them. */
  logProbabilities(text: string, signal?: AbortSignal): Promise<LogProbabilities>;
}

/** A prompt that the server read as more than this share shorter than it is was cut. */
const truncationTolerance = 0.02;

/** A key is sent to the host that it belongs to, and to no other. */
function keyFor(root: string): string | undefined {
  const own = process.env.LONGSPAN_API_KEY;
  return own ?? (new URL(root).hostname === "api.openai.com" ? process.env.OPENAI_API_KEY : undefined);
}

/** Finds out what the server can do and opens it; refuses a mode that it cannot do. Its requests cost a few tokens each. */
export async function openEndpoint(options: EndpointOptions): Promise<EndpointBackend> {
  const { mode, tokenizer, concurrency = 4, timeoutSeconds = 600, retries = 6, backoffSeconds = 0.5 } = options;
  const { signal, prices } = options;
  const root = rootOf(options.url);
  const apiKey = options.apiKey ?? keyFor(root);
  const client = createClient({ root, apiKey, concurrency, timeoutSeconds, retries, backoffSeconds, signal });
  try {
    const { model, capabilities } = await probe(client, options.model);
    const render = chooseRender(mode, capabilities, tokenizer);
    const contextLength = options.contextLength ?? capabilities.contextLength;
    if (contextLength === undefined)
      throw new InputError(
        "endpoint: expected the model's context length from /v1/models or /props, got none. Pass --context-length TOKENS.",
      );

    const complete = (prompt: Prompt, request: Pick<GenerationRequest, "maxTokens" | "stop" | "signal">) => {
      const { maxTokens, stop, signal } = request;
      const path = prompt.kind === "text" ? paths.completions : paths.chat;
      const limitName = prompt.kind === "text" ? "max_tokens" : capabilities.limitName;
      const body = completionBody({ model, prompt, maxTokens, stop, limitName });
      return client.ask(path, body, readCompletion, { signal });
    };
    const counter = await createCounter({
      mode,
      render,
      tokenizer,
      usageOf: capabilities.usage
        ? async (prompt) => (await complete(prompt, { maxTokens: 1 })).value.promptTokens!
        : undefined,
      tokensOf:
        capabilities.tokenize &&
        (async (text) => (await countOnServer(client, capabilities.tokenize!, model, text)).value),
    });

    const sums = { answers: 0, attempts: 0, promptTokens: 0, countedTokens: 0, cachedTokens: 0, outputTokens: 0 };
    let truncatedAnswers = 0;

    async function generate(request: GenerationRequest): Promise<Generation> {
      const start = performance.now();
      const prompt = render(request.parts);
      const { value, attempts } = await complete(prompt, request).catch((error) => {
        throw tooLong(error, request, counter.kind) ?? error;
      });
      const text = withoutOpening(value.text, prompt);
      const usage = {
        promptTokens: value.promptTokens ?? request.promptTokens,
        cachedTokens: value.cachedTokens ?? 0,
        outputTokens: value.outputTokens ?? counter.countTokens(text),
        prefillSeconds: value.prefillSeconds,
        decodeSeconds: value.decodeSeconds,
        seconds: (performance.now() - start) / 1000,
      };
      const truncated = counter.kind === "tokenizer" && wasTruncated(value, request.promptTokens);
      sums.answers++;
      sums.attempts += attempts;
      sums.promptTokens += usage.promptTokens;
      sums.countedTokens += request.promptTokens;
      sums.cachedTokens += usage.cachedTokens;
      sums.outputTokens += usage.outputTokens;
      if (truncated) truncatedAnswers++;
      return { text, finish: value.finish, usage, attempts, ...(truncated ? { truncated } : {}) };
    }

    return {
      // Servers of local files call a model by its path.
      name: `${model.slice(model.lastIndexOf("/") + 1)} at ${root}`,
      fingerprint: createHash("sha256")
        .update(JSON.stringify([root, model, mode]))
        .digest("hex")
        .slice(0, 16),
      mode,
      contextLength,
      concurrency,
      sharesPrefixes: capabilities.cachedTokens,
      model,
      capabilities,
      counter: counter.kind,
      promptTokens: counter.promptTokens,
      countTokens: counter.countTokens,
      generate,
      get totals() {
        const cost =
          prices && (sums.promptTokens * prices.promptMillion + sums.outputTokens * prices.outputMillion) / 1e6;
        return { ...sums, truncated: truncatedAnswers, ...(cost === undefined ? {} : { cost }) };
      },
      async logProbabilities(text, signal) {
        if (!capabilities.echoLogProbs) throw noLogProbs(root);
        const { value } = await client.ask(paths.completions, echoBody(model, text), readEcho, { signal });
        if (value === undefined) throw noLogProbs(root);
        return value;
      },
      async dispose() {
        client.close();
      },
    };
  } catch (error) {
    client.close();
    throw error;
  }
}

function rootOf(url: string): string {
  const given = /^https?:\/\//.test(url) ? url : `http://${url}`;
  if (URL.canParse(given)) return given.replace(/\/+$/, "").replace(/\/v1$/, "");
  throw new InputError(`endpoint: expected a URL such as http://127.0.0.1:8080/v1, got "${url}". Correct it.`, {
    got: url,
  });
}

/** llama.cpp repeats the open answer that it continues; vLLM does not. */
function withoutOpening(text: string, prompt: Prompt): string {
  const opening = prompt.kind === "chat" ? (prompt.opening ?? "") : "";
  return text.startsWith(opening) ? text.slice(opening.length) : text;
}

function wasTruncated({ promptTokens }: Completion, expected: number): boolean {
  return promptTokens !== undefined && promptTokens < expected * (1 - truncationTolerance);
}

/** Servers say in many words that a prompt does not fit; all of them name the context. */
function tooLong(
  error: unknown,
  { promptTokens, maxTokens }: GenerationRequest,
  kind: TokenCounter["kind"],
): CapacityError | undefined {
  if (!(error instanceof Refusal) || !/context (?:size|length|window)|maximum context|too long/i.test(error.reason))
    return undefined;
  const how = kind === "tokenizer" ? "counted" : "estimated";
  const remedy =
    kind === "tokenizer" ? "Pass shorter --lengths" : "Pass --tokenizer MODEL for exact counts, or shorter --lengths";
  return new CapacityError(
    `endpoint: expected room for ${promptTokens} tokens (${how}) and an answer of ${maxTokens}, got: ${error.reason}. ${remedy}.`,
    { expected: promptTokens + maxTokens, got: error.reason },
  );
}

function noLogProbs(root: string): UnsupportedError {
  return new UnsupportedError(
    `${root}: expected a server that gives log probabilities of a prompt (echo with logprobs), got one that does not. Use vLLM or llama-cpp-python, or measure perplexity with --model.`,
  );
}
