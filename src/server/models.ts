/** GET /v1/models and /v1/models/ID: the one model that there is. */
import type { Hono } from "hono";
import type { Service } from "./service.ts";

export function addModelRoutes(app: Hono, service: Service): void {
  const { name, engine } = service;
  const { contextLength, vocabularySize, hiddenSize, fileBytes } = engine.model;
  const described = {
    ...{ id: name, object: "model", created: Math.floor(Date.now() / 1000), owned_by: "longspan" },
    max_model_len: service.contextLength(),
    meta: { n_ctx_train: contextLength, n_vocab: vocabularySize, n_embd: hiddenSize, size: fileBytes },
  };
  app.get("/v1/models", (context) => context.json({ object: "list", data: [described] }));
  app.get("/v1/models/:id{.+}", (context) => {
    service.expectModel(context.req.param("id"));
    return context.json(described);
  });
}
