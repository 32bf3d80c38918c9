/** /openapi.json as somebody reads it who knows nothing else of the server: what may be sent, and what may come back. */
import assert from "node:assert/strict";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import type { Json, OpenApi } from "../../src/server/openapi.ts";
import type { Answer } from "./tiny-server.ts";

type Objects = { readonly [key: string]: Json };

export class OpenApiReader {
  readonly document: OpenApi;
  /** In strict mode: a keyword that JSON Schema does not know, or that can never apply, is an error. */
  private readonly ajv = new Ajv2020({
    ...{ strict: true, allowUnionTypes: true, allErrors: true },
    formats: { "date-time": (text) => !Number.isNaN(Date.parse(text)) },
  });

  constructor(document: OpenApi) {
    this.document = document;
    this.ajv.addVocabulary(Object.keys(document));
    this.ajv.addSchema(document, "openapi.json");
  }

  /** "METHOD /path/{parameter}" for a request, or undefined for one that the document does not tell of. */
  routeOf(request: string): string | undefined {
    const [method, path] = request.split(" ");
    return Object.entries(this.document.paths)
      .filter(([, methods]) => method.toLowerCase() in methods)
      .map(([template]) => template)
      .sort((a, b) => a.split("{").length - b.split("{").length)
      .filter((template) => new RegExp(`^${template.replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(path))
      .map((template) => `${method} ${template}`)[0];
  }

  /** Statuses that a route may answer with, ascending. */
  statusesOf(route: string): number[] {
    return Object.keys(this.operation(route).responses as Objects).map(Number);
  }

  /** What is wrong with a request's body; undefined if it is as the document says. */
  refusal(route: string, body: unknown, type = "application/json"): string | undefined {
    const { requestBody } = this.operation(route) as { requestBody?: { content: Objects } };
    if (!requestBody) return body === undefined ? undefined : "a body is sent, and none is told of";
    if (!(type in requestBody.content)) return `${type} is none of ${Object.keys(requestBody.content)}`;
    if (body === undefined) return "no body is sent";
    return this.problem([...pointer(route), "requestBody", "content", type, "schema"], body);
  }

  /** Fails unless the document tells of such an answer to such a request. */
  expectAnswer(request: string, { status, headers, body }: Answer): void {
    const route = this.routeOf(request);
    assert.ok(route, `${request} is no route of the document`);
    const where = `${request}: ${status}`;
    const responses = this.operation(route).responses as { [status: string]: { content: Objects } };
    assert.ok(`${status}` in responses, `${where} is not told of: ${JSON.stringify(body)}`);
    const type = (headers.get("content-type") ?? "").split(";")[0];
    assert.ok(
      type in responses[status].content,
      `${where}: ${type} is none of ${Object.keys(responses[status].content)}`,
    );
    const problem = this.problem([...pointer(route), "responses", `${status}`, "content", type, "schema"], body);
    assert.equal(problem, undefined, `${where}: ${problem} in ${JSON.stringify(body)}`);
  }

  /** What is wrong with a value by the schema of that name. */
  misfit(name: string, value: unknown): string | undefined {
    return this.problem(["components", "schemas", name], value);
  }

  private problem(place: readonly string[], value: unknown): string | undefined {
    const validate = this.schemaAt(place);
    return validate(value) ? undefined : this.ajv.errorsText(validate.errors, { dataVar: "it" });
  }

  /** Throws for what is no JSON Schema. */
  private schemaAt(place: readonly string[]): ValidateFunction {
    const parts = place.map((part) => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1")));
    const validate = this.ajv.getSchema(`openapi.json#/${parts.join("/")}`);
    assert.ok(validate, `there is no schema at ${place.join(" ")}`);
    return validate;
  }

  private operation(route: string): Objects {
    const [, path, method] = pointer(route);
    return this.document.paths[path][method] as Objects;
  }
}

function pointer(route: string): string[] {
  const [method, path] = route.split(" ");
  return ["paths", path, method.toLowerCase()];
}
