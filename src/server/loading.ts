/** What is answered while a model loads: 503 and when to come back; then the model's app takes over. */
import { type Context, Hono } from "hono";
import { allowOrigin } from "./access.ts";
import { errorBodyAt, RequestError } from "./errors.ts";
import { addPageFiles } from "./web.ts";

/** Anything that answers requests and can be stopped: see listen(). */
export interface Site {
  readonly app: { fetch(request: Request, ...rest: unknown[]): Response | Promise<Response> };
  stop(): Promise<void>;
}

export interface LoadingSite extends Site {
  /** Of the weights, from 0 to 1. */
  progress: number;
  /** From now on the site answers. */
  open(site: Site): void;
}

const RETRY_SECONDS = "1";

export function loadingSite({ corsOrigin }: { corsOrigin?: string } = {}): LoadingSite {
  const waiting = new Hono();
  let site: Site = { app: waiting, stop: async () => {} };
  const loading: LoadingSite = {
    progress: 0,
    app: { fetch: (request, ...rest) => site.app.fetch(request, ...rest) },
    open(ready) {
      site = ready;
    },
    stop: () => site.stop(),
  };
  const later = (context: Context) => context.header("retry-after", RETRY_SECONDS);
  if (corsOrigin !== undefined) allowOrigin(waiting, corsOrigin);
  waiting.get("/health", (context) => {
    later(context);
    return context.json({ status: "loading", progress: loading.progress }, 503);
  });
  addPageFiles(waiting);
  waiting.all("*", (context) => {
    later(context);
    const error = new RequestError(503, "The model is loading. Try again.", { code: "model_loading" });
    return context.json(errorBodyAt(context.req.path, error), 503);
  });
  return loading;
}
