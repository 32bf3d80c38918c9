/**
 * One HTTP exchange with JSON, over node:http. Not fetch: its dispatcher gives up after 300 s without headers, and a
 * server on a CPU may read a long prompt for longer than that before it says anything.
 */
import { type IncomingHttpHeaders, Agent as PlainAgent, request as plainRequest } from "node:http";
import { Agent as SecureAgent, request as secureRequest } from "node:https";

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface ExchangeOptions {
  /** Sent as POST; without it the request is a GET. */
  readonly json?: string;
  readonly apiKey?: string;
  /** Seconds for all of it, from connecting to the last byte. */
  readonly timeoutSeconds: number;
  readonly signal?: AbortSignal;
}

export interface Connections {
  /** Resolves with any complete reply, whatever its status; rejects when there is none. */
  exchange(url: string, options: ExchangeOptions): Promise<Reply>;
  close(): void;
}

/** Connections that are kept open between exchanges. */
export function openConnections(): Connections {
  const plain = new PlainAgent({ keepAlive: true });
  const secure = new SecureAgent({ keepAlive: true });
  return {
    exchange(url, { json, apiKey, timeoutSeconds, signal }) {
      return new Promise((resolve, reject) => {
        signal?.throwIfAborted();
        const isSecure = url.startsWith("https:");
        const headers: Record<string, string | number> = { accept: "application/json" };
        if (apiKey !== undefined) headers.authorization = `Bearer ${apiKey}`;
        if (json !== undefined) {
          headers["content-type"] = "application/json";
          headers["content-length"] = Buffer.byteLength(json);
        }
        const method = json === undefined ? "GET" : "POST";
        const request = isSecure
          ? secureRequest(url, { method, headers, agent: secure })
          : plainRequest(url, { method, headers, agent: plain });
        const timer = setTimeout(
          () => request.destroy(new Error(`no complete answer within ${timeoutSeconds} s`)),
          timeoutSeconds * 1000,
        );
        const abort = () => request.destroy(signal!.reason);
        signal?.addEventListener("abort", abort, { once: true });
        const settle = (finish: () => void) => {
          clearTimeout(timer);
          signal?.removeEventListener("abort", abort);
          finish();
        };
        const fail = (error: Error) => settle(() => reject(signal?.aborted ? signal.reason : error));
        request.on("error", fail);
        request.on("response", (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          // A connection that breaks in the middle of a body ends in an error: `end` means that all of it is here.
          response.on("error", fail);
          response.on("end", () =>
            settle(() =>
              resolve({
                status: response.statusCode!,
                headers: response.headers,
                body: Buffer.concat(chunks).toString("utf8"),
              }),
            ),
          );
        });
        request.end(json);
      });
    },
    close() {
      plain.destroy();
      secure.destroy();
    },
  };
}
