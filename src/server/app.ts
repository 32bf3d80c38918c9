/** All routes over one engine. A Hono app knows no port; serve.ts gives it one. */
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { allowOrigin, askForKey, refuseOtherSites } from "./access.ts";
import { addCacheRoutes } from "./cache-routes.ts";
import { addCompletionRoutes } from "./completions.ts";
import { addEmbeddingRoutes } from "./embeddings.ts";
import { asRequestError, errorBodyAt, RequestError } from "./errors.ts";
import { addMessageRoutes } from "./messages/routes.ts";
import type { Metrics } from "./metrics.ts";
import { addModelRoutes } from "./models.ts";
import { addOpenApiRoute } from "./openapi.ts";
import { addReportRoutes } from "./reports.ts";
import type { ReportSource } from "./reports-folder.ts";
import { Service, type ServerOptions as ServiceOptions } from "./service.ts";
import { addTokenRoutes } from "./tokens.ts";
import { addWebRoutes } from "./web.ts";

export interface ServerOptions extends ServiceOptions {
  /** Evaluation runs to be shown; none without. */
  readonly reports?: ReportSource;
}

export interface ServerApp {
  readonly app: Hono;
  readonly metrics: Metrics;
  /** Breaks off what runs and closes what is kept. */
  stop(): Promise<void>;
}

const MOST_BODY_BYTES = 64 << 20;

export function createApp(options: ServerOptions): ServerApp {
  const { engine, name, apiKey, corsOrigin } = options;
  const service = new Service(options);
  const { metrics } = service;
  const app = new Hono();

  app.onError((error, context) => {
    const failure = asRequestError(error);
    if (failure.status === 500) service.onError(error);
    return context.json(errorBodyAt(context.req.path, failure), failure.status);
  });
  app.notFound((context) => {
    const { method, path } = context.req;
    return context.json(errorBodyAt(path, new RequestError(404, `There is no ${method} ${path}.`)), 404);
  });
  if (corsOrigin !== undefined) allowOrigin(app, corsOrigin);
  refuseOtherSites(app, corsOrigin);
  app.use(
    bodyLimit({
      maxSize: MOST_BODY_BYTES,
      onError: () => {
        throw new RequestError(413, `The body is longer than ${MOST_BODY_BYTES} bytes. Send a shorter text.`);
      },
    }),
  );
  if (apiKey !== undefined) askForKey(app, apiKey);

  app.get("/health", (context) => context.json({ status: "ok" }));
  app.get("/metrics", async (context) => {
    const { cacheBytes } = await engine.memory();
    return context.text(metrics.text({ model: name, cacheBytes, maxCacheBytes: options.cacheBytes }));
  });
  addModelRoutes(app, service);
  addCompletionRoutes(app, service);
  addMessageRoutes(app, service);
  addEmbeddingRoutes(app, service);
  addCacheRoutes(app, service);
  addReportRoutes(app, options.reports);
  addTokenRoutes(app, engine.tokenizer, service.contextLength());
  addWebRoutes(app, service);
  addOpenApiRoute(app, { version: options.version, hasKey: apiKey !== undefined });

  return { app, metrics, stop: () => service.stop() };
}
