/** /v1/cache: texts that are kept on disk, and how much memory and disk what was read takes. */
import type { Hono } from "hono";
import { errorBody, RequestError } from "./errors.ts";
import type { Service } from "./service.ts";
import { StoredContexts } from "./stored-contexts.ts";

export function addCacheRoutes(app: Hono, service: Service): void {
  const { engine, contexts: disk } = service;
  const memory = async () => ({
    sessions: service.pool.size,
    bytes: (await engine.memory()).cacheBytes,
    maxBytes: service.cacheBytes,
  });
  if (!disk) {
    const none = new RequestError(404, "Nothing is kept on disk: the server runs with --no-cache. Start it without.");
    app.get("/v1/cache", async (context) => context.json({ ...errorBody(none), memory: await memory() }, 404));
    app.all("/v1/cache/:rest{.+}", () => {
      throw none;
    });
    return;
  }
  const stored = new StoredContexts(disk, { tokenizer: engine.tokenizer, model: engine.model.name });

  app.get("/v1/cache", async (context) =>
    context.json({ object: "list", data: await stored.list(), memory: await memory(), disk: await disk.stats() }),
  );
  app.delete("/v1/cache/:id", async (context) => {
    const id = context.req.param("id");
    await stored.drop(id);
    return context.json({ id, object: "context", deleted: true });
  });
  app.post("/v1/cache/:id/pin", async (context) => {
    const id = context.req.param("id");
    service.promptPins?.disown(id);
    return context.json(await stored.pin(id));
  });
  app.post("/v1/cache/:id/unpin", async (context) => {
    const id = context.req.param("id");
    service.promptPins?.disown(id);
    return context.json(await stored.unpin(id));
  });
}
