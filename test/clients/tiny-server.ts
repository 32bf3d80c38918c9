/** A server over a tiny model, with and without a port. */
import assert from "node:assert/strict";
import { defaultPlan } from "../../src/context/plan.ts";
import { createApp, type ServerApp, type ServerOptions } from "../../src/server/app.ts";
import { type Listening, listen } from "../../src/server/serve.ts";
import { loadTiny } from "../support/sessions.ts";

export interface TinyServer extends Listening {
  readonly options: ServerOptions;
  readonly server: ServerApp;
  /** When nothing runs any more. Rejects if something does after two seconds. */
  idle(): Promise<void>;
  /** Stops everything; what the server called its own fault fails the test. */
  close(): Promise<void>;
}

export async function tinyServer(changes: Partial<ServerOptions> = {}): Promise<TinyServer> {
  const failures: unknown[] = [];
  const options: ServerOptions = {
    engine: await loadTiny("qwen2-q8_0"),
    ...{ name: "tiny", version: "0", plan: defaultPlan, cacheBytes: 1e9, maxRequests: 40 },
    onError: (error) => failures.push(error),
    ...changes,
  };
  const server = createApp(options);
  const listening = await listen(server, { host: "127.0.0.1", port: 0 });
  return {
    ...listening,
    options,
    server,
    async idle() {
      for (let i = 0; i < 100 && server.metrics.running > 0; i++) await new Promise((done) => setTimeout(done, 20));
      assert.equal(server.metrics.running, 0);
    },
    async close() {
      await listening.stop();
      await options.engine.dispose();
      assert.deepEqual(failures, []);
    },
  };
}

/** Of a bare request to an app without a port. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

/** Sends JSON where there is a body; gives JSON where there is some, else text. */
export async function ask({ app }: ServerApp, route: string, body?: unknown, headers = {}): Promise<Answer> {
  const [method, path] = route.split(" ");
  const response = await app.request(path, {
    ...{ method, headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return answerOf(response);
}

export async function answerOf(response: Response): Promise<Answer> {
  const { status, headers } = response;
  const text = await response.text();
  return { status, headers, body: headers.get("content-type")?.includes("application/json") ? JSON.parse(text) : text };
}
