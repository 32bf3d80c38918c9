/** GET /openapi.json: OpenAPI 3.1, made from the schemas that requests are checked with. */
import type { Hono } from "hono";
import { z } from "zod";
import type { ErrorStatus } from "./errors.ts";
import { schemas } from "./openapi-schemas.ts";
import { errorsOf, type Operation, operations } from "./operations.ts";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export interface OpenApi {
  readonly openapi: "3.1.0";
  readonly info: Json;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Json>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Json>>; readonly securitySchemes: Json };
}

export function addOpenApiRoute(app: Hono, options: { version: string; hasKey: boolean }): void {
  const description = openApi(options);
  app.get("/openapi.json", (context) => context.json(description));
}

export function openApi({ version, hasKey }: { version: string; hasKey: boolean }): OpenApi {
  const paths: Record<string, Record<string, Json>> = {};
  for (const operation of operations)
    paths[operation.path] = { ...paths[operation.path], [operation.method]: describe(operation, hasKey) };
  return {
    openapi: "3.1.0",
    info: { title: "Longspan", version, summary: "Long-context language models on an ordinary CPU" },
    paths,
    components: {
      schemas: Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, jsonSchemaOf(schema)])),
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer" },
        apiKey: { type: "apiKey", in: "header", name: "x-api-key" },
      },
    },
  };
}

const reasons: Record<ErrorStatus, string> = {
  400: "The request is wrong, or does not fit the context.",
  401: "The key is wrong or missing.",
  403: "A page of another site asks: see `--cors`.",
  404: "There is no such thing.",
  409: "It is pinned, or blocks of it are missing.",
  413: "The body is too long.",
  429: "Too many requests are being answered. `Retry-After` says when to try again.",
  500: "A bug in Longspan.",
  503: "The model is loading (`Retry-After`), or memory is used up.",
};

function describe(operation: Operation, hasKey: boolean): Json {
  const { method, path, summary, description, body, takesFiles, answer, stream } = operation;
  const content: Record<string, Json> = { [typeOf(answer)]: { schema: schemaOf(answer) } };
  if (stream) content["text/event-stream"] = { schema: { type: "string", description: stream } };
  const refused = errorsOf(operation).map((status) => [`${status}`, refusal(path, status)]);
  return {
    operationId: `${method}${path.replace(/[/{}_.]+(\w?)/g, (_, next: string) => next.toUpperCase())}`,
    summary,
    ...(description !== undefined && { description }),
    ...(path.includes("{id}") && {
      parameters: [{ name: "id", in: "path", required: true, schema: { type: "string" } }],
    }),
    ...(body && { requestBody: { required: true, content: { "application/json": { schema: schemaOf(body) } } } }),
    ...(takesFiles && { requestBody: { required: true, content: { "multipart/form-data": { schema: files } } } }),
    responses: { 200: { description: "The answer.", content }, ...Object.fromEntries(refused) },
    ...(hasKey && path.startsWith("/v1") && { security: [{ bearer: [] }, { apiKey: [] }] }),
  };
}

const files: Json = {
  type: "object",
  properties: { files: { type: "array", items: { type: "string", contentMediaType: "application/octet-stream" } } },
};

function refusal(path: string, status: ErrorStatus): Json {
  const name = path === "/health" ? "Health" : path.startsWith("/v1/messages") ? "MessagesError" : "Error";
  return { description: reasons[status], content: { "application/json": { schema: schemaOf(name) } } };
}

function typeOf(answer: Operation["answer"]): string {
  if (answer === "text") return "text/plain";
  return answer === "html" ? "text/html" : "application/json";
}

function schemaOf(answer: Operation["answer"]): Json {
  if (answer === "text" || answer === "html") return { type: "string" };
  return answer === "json" ? { type: "object" } : { $ref: `#/components/schemas/${answer}` };
}

/** As JSON Schema 2020-12, which is OpenAPI 3.1's own. */
function jsonSchemaOf(schema: z.ZodType): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: "input" });
  return rest as Json;
}
