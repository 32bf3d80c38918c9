/**
 * Asks until there is an answer: exponential backoff with jitter on everything that may pass (429, 5xx, timeouts,
 * broken connections, bodies that cannot be read), and an error with the server's own words on everything else.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { InputError } from "../../../runtime/errors.ts";
import { createRandom } from "../../random.ts";
import { openConnections, type Reply } from "./exchange.ts";

export interface ClientOptions {
  /** Where the paths of the API begin, without /v1. */
  readonly root: string;
  readonly apiKey?: string;
  /** Requests in flight; others wait for their turn. */
  readonly concurrency: number;
  readonly timeoutSeconds: number;
  /** Tries after the first one. */
  readonly retries: number;
  /** The wait after the first failure; it doubles with each further one. */
  readonly backoffSeconds: number;
  readonly signal?: AbortSignal;
}

export interface Answer<T> {
  readonly value: T;
  readonly attempts: number;
}

export interface Client {
  /** `read` makes a value of the JSON and throws where it is not what it should be; the request is then repeated. */
  ask<T>(
    path: string,
    body: object | undefined,
    read: (json: unknown) => T,
    options?: { signal?: AbortSignal },
  ): Promise<Answer<T>>;
  close(): void;
}

/** The server understood and said no: repeating changes nothing. */
export class Refusal extends InputError {
  readonly status: number;
  /** The server's words. */
  readonly reason: string;

  constructor(url: string, status: number, reason: string) {
    super(`${url}: expected an answer, got HTTP ${status}: ${reason}. ${remedyFor(status)}.`, { got: status });
    this.status = status;
    this.reason = reason;
  }
}

/** The server failed until no tries were left. */
export class Exhausted extends InputError {
  /** Of the last try, where it had one. */
  readonly status?: number;

  constructor(url: string, attempts: number, { reason, status }: Failure) {
    super(
      `${url}: expected an answer within ${attempts} tries, got ${reason} at the last. Check the server, then go on with --resume.`,
      { got: reason },
    );
    this.status = status;
  }
}

interface Failure {
  readonly reason: string;
  readonly status?: number;
  readonly waitSeconds?: number;
}

/** A server may ask for any wait; nobody sits through more than this for one answer. */
const longestWaitSeconds = 300;
/** Servers answer these to what they do not have; other 5xx pass. */
const notImplemented = 501;

export function createClient(options: ClientOptions): Client {
  const { root, apiKey, timeoutSeconds, retries, backoffSeconds } = options;
  const connections = openConnections();
  const inTurn = createGate(options.concurrency);
  // A server that was there before may come back; one that never was is a wrong address.
  let reached = false;

  async function attempt<T>(
    url: string,
    json: string | undefined,
    read: (json: unknown) => T,
    signal?: AbortSignal,
  ): Promise<{ value: T } | Failure> {
    let reply: Reply;
    try {
      reply = await inTurn(() => connections.exchange(url, { json, apiKey, timeoutSeconds, signal }));
    } catch (error) {
      signal?.throwIfAborted();
      const { code, message } = error as NodeJS.ErrnoException;
      // A host with several addresses fails with an AggregateError, whose message is empty.
      const reason = message || code || "no connection";
      if (!reached && (code === "ECONNREFUSED" || code === "ENOTFOUND")) throw unreachable(url, reason);
      return { reason };
    }
    reached = true;
    const { status, headers, body } = reply;
    if (status >= 200 && status < 300) {
      try {
        return { value: read(JSON.parse(body)) };
      } catch (error) {
        return { reason: `an answer that cannot be read (${(error as Error).message})` };
      }
    }
    const reason = reasonOf(body);
    const passes = status === 429 || status === 408 || (status >= 500 && status !== notImplemented);
    if (!passes) throw new Refusal(url, status, reason);
    return { reason: `HTTP ${status}: ${reason}`, status, waitSeconds: retryAfterSeconds(headers["retry-after"]) };
  }

  return {
    async ask(path, body, read, { signal } = {}) {
      const url = root + path;
      const json = body && JSON.stringify(body);
      const signals = [options.signal, signal].filter((one) => one !== undefined);
      const either = signals.length > 0 ? AbortSignal.any(signals) : undefined;
      for (let attempts = 1; ; attempts++) {
        const outcome = await attempt(url, json, read, either);
        if ("value" in outcome) return { value: outcome.value, attempts };
        if (attempts > retries) throw new Exhausted(url, attempts, outcome);
        const jitter = createRandom("retry", url, json ?? "", attempts).next();
        const seconds = outcome.waitSeconds ?? backoffSeconds * 2 ** (attempts - 1) * (0.5 + jitter / 2);
        await sleep(Math.min(seconds, longestWaitSeconds) * 1000, undefined, { signal: either });
      }
    },
    close: () => connections.close(),
  };
}

/** Lets at most `places` pieces of work run at once, in order of arrival. */
function createGate(places: number): <T>(work: () => Promise<T>) => Promise<T> {
  let free = places;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free++;
    }
  };
}

/** Seconds, or a date (RFC 9110, section 10.2.3). */
function retryAfterSeconds(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds);
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, (date - Date.now()) / 1000);
}

/** What the server says went wrong: OpenAI's {error: {message}}, FastAPI's {detail}, or the beginning of its text. */
function reasonOf(body: string): string {
  let said: unknown = body;
  try {
    const json = JSON.parse(body) as { error?: { message?: unknown } | string; message?: unknown; detail?: unknown };
    const { error } = json;
    said = (typeof error === "object" ? error?.message : error) ?? json.message ?? json.detail ?? body;
  } catch {
    // Not JSON: a page of a proxy, most likely.
  }
  const text = (typeof said === "string" ? said : JSON.stringify(said)).replace(/\s+/g, " ").trim();
  return text === "" ? "no reason given" : text.slice(0, 300).replace(/\.$/, "");
}

function remedyFor(status: number): string {
  if (status === 401 || status === 403) return "Set LONGSPAN_API_KEY";
  if (status === 404 || status === 405) return "Check the URL and the model's name";
  return "Correct what the server names";
}

function unreachable(url: string, reason: string): InputError {
  return new InputError(`${url}: expected a server, got ${reason}. Start it, or correct the URL.`, { got: reason });
}
