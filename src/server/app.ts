/** The routes: OpenAI's completions over one engine. A Hono app knows no port; serve.ts gives it one. */
import { createHash, timingSafeEqual } from "node:crypto";
import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { Plan } from "../context/plan.ts";
import { contextLengthOf } from "../context/position/rotation.ts";
import type { BlockStore, Engine } from "../engine/types.ts";
import { hasChat, renderChat } from "../tokenizer/chat-template.ts";
import { heading, type Kind } from "./answers.ts";
import {
  bodyOf,
  type ChatRequest,
  type CompletionRequest,
  chatSchema,
  completionSchema,
  messagesOf,
  parseBody,
  planOf,
  samplingOf,
  stopsOf,
} from "./chat-request.ts";
import { asRequestError, errorBody, RequestError, tooLong } from "./errors.ts";
import { Metrics } from "./metrics.ts";
import { PrefixPool } from "./prefix-pool.ts";
import { type Job, respondStream, respondWhole } from "./respond.ts";
import { addTokenRoutes } from "./tokens.ts";

export interface ServerOptions {
  readonly engine: Engine;
  /** Id of the model in requests and answers. */
  readonly name: string;
  readonly version: string;
  /** Of requests that bring none. */
  readonly plan: Plan;
  readonly store?: BlockStore;
  /** Bytes of KV pages above which readings that nobody uses are given up. */
  readonly cacheBytes: number;
  /** Requests that are answered at once; one more is refused with 429. */
  readonly maxRequests: number;
  readonly apiKey?: string;
  /** Of what is no fault of the client. */
  readonly onError?: (error: unknown) => void;
}

export interface ServerApp {
  readonly app: Hono;
  readonly metrics: Metrics;
  /** Breaks off what runs and closes what is kept. */
  stop(): Promise<void>;
}

const MOST_BODY_BYTES = 64 << 20;
const MOST_PLANS = 8;

export function createApp(options: ServerOptions): ServerApp {
  const { engine, name, version, store, cacheBytes, maxRequests, apiKey, onError = () => {} } = options;
  const { tokenizer, model } = engine;
  const metrics = new Metrics();
  const running = new Set<AbortController>();
  const pools = new Map<string, PrefixPool>();
  const created = Math.floor(Date.now() / 1000);
  const app = new Hono();

  /** One for each plan that requests bring; of many the first are given up. */
  function poolOf(plan: Plan): PrefixPool {
    const key = JSON.stringify(plan);
    const pool = pools.get(key) ?? new PrefixPool({ engine, plan, store, maxBytes: cacheBytes });
    pools.delete(key);
    pools.set(key, pool);
    for (const [old, unused] of [...pools].slice(0, -MOST_PLANS)) {
      pools.delete(old);
      unused.clear().catch(onError);
    }
    return pool;
  }

  async function answer(
    context: Context,
    kind: Kind,
    request: ChatRequest | CompletionRequest,
    promptIds: Int32Array,
    wanted: number | null | undefined,
  ): Promise<Response> {
    if (running.size >= maxRequests) {
      context.header("retry-after", "1");
      throw new RequestError(429, `${maxRequests} requests are being answered. Try again.`, { code: "queue_full" });
    }
    if (request.model !== undefined && request.model !== name)
      throw new RequestError(404, `The model ${JSON.stringify(request.model)} does not exist. There is ${name}.`, {
        code: "model_not_found",
        param: "model",
      });
    const plan = planOf(request, options.plan);
    const contextLength = contextLengthOf(plan.position, model.contextLength);
    const maxTokens = wanted ?? contextLength - promptIds.length;
    if (promptIds.length === 0)
      throw new RequestError(400, "The prompt is empty. Give some text.", { param: "prompt" });
    if (promptIds.length + Math.max(1, maxTokens) > contextLength)
      throw tooLong(contextLength, promptIds.length, Math.max(1, maxTokens));

    const abort = new AbortController();
    const job: Job = {
      ...{ kind, metrics, abort, onError },
      heading: heading(kind, name, version),
      pool: poolOf(plan),
      options: {
        ...{ promptIds, maxTokens },
        sampling: samplingOf(request),
        stop: stopsOf(request),
        ignoreEnd: request.ignore_eos ?? false,
        n: request.n ?? 1,
      },
      includeUsage: request.stream_options?.include_usage ?? false,
      showProgress: request.return_progress ?? false,
    };
    running.add(abort);
    const leave = () => running.delete(abort);
    context.req.raw.signal.addEventListener("abort", () => abort.abort(new RequestError(400, "The client has gone.")));
    if (request.stream) return respondStream(context, job, leave);
    try {
      return await respondWhole(context, job);
    } finally {
      leave();
    }
  }

  app.onError((error, context) => {
    const failure = asRequestError(error);
    if (failure.status === 500) onError(error);
    return context.json(errorBody(failure), failure.status);
  });
  app.notFound((context) =>
    context.json(errorBody(new RequestError(404, `There is no ${context.req.method} ${context.req.path}.`)), 404),
  );
  app.use(
    bodyLimit({
      maxSize: MOST_BODY_BYTES,
      onError: () => {
        throw new RequestError(413, `The body is longer than ${MOST_BODY_BYTES} bytes. Send a shorter text.`);
      },
    }),
  );
  if (apiKey !== undefined)
    app.use("/v1/*", async (context, next) => {
      if (!isKey(context.req.header("authorization"), apiKey))
        throw new RequestError(401, "Incorrect API key. Send it as `Authorization: Bearer KEY`.", {
          code: "invalid_api_key",
        });
      await next();
    });

  app.get("/health", (context) => context.json({ status: "ok" }));
  app.get("/metrics", async (context) =>
    context.text(metrics.text({ model: name, cacheBytes: (await engine.memory()).cacheBytes })),
  );

  const described = {
    ...{ id: name, object: "model", created, owned_by: "longspan" },
    max_model_len: contextLengthOf(options.plan.position, model.contextLength),
    meta: { n_ctx_train: model.contextLength, n_vocab: model.vocabularySize, size: model.fileBytes },
  };
  app.get("/v1/models", (context) => context.json({ object: "list", data: [described] }));
  app.get("/v1/models/:id{.+}", (context) => {
    if (context.req.param("id") !== name)
      throw new RequestError(404, `The model ${JSON.stringify(context.req.param("id"))} does not exist.`);
    return context.json(described);
  });

  app.post("/v1/chat/completions", async (context) => {
    const request = parseBody(chatSchema, await bodyOf(context));
    if (!hasChat(tokenizer))
      throw new RequestError(400, `${name} has no chat template. Use /v1/completions, or another model.`);
    const promptIds = renderChat(tokenizer, messagesOf(request));
    return answer(context, "chat", request, promptIds, request.max_completion_tokens ?? request.max_tokens);
  });

  app.post("/v1/completions", async (context) => {
    const request = parseBody(completionSchema, await bodyOf(context));
    const { prompt } = request;
    const promptIds = typeof prompt === "string" ? tokenizer.encode(prompt) : Int32Array.from(prompt);
    return answer(context, "text", request, promptIds, request.max_tokens ?? 16);
  });

  addTokenRoutes(app, tokenizer, described.max_model_len);

  return {
    app,
    metrics,
    async stop() {
      for (const abort of running) abort.abort(new RequestError(503, "The server stops."));
      for (const pool of pools.values()) await pool.clear();
    },
  };
}

/** In constant time. */
function isKey(header: string | undefined, key: string): boolean {
  const sum = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(sum(header ?? ""), sum(`Bearer ${key}`));
}
