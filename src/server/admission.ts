/** Requests that are answered now: no more than a limit, each with a signal that ends it. */
import type { Context } from "hono";
import { RequestError } from "./errors.ts";

export class Admission {
  private readonly limit: number;
  private readonly running = new Set<AbortController>();

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Aborts when the client goes away; leave() is to be called in any case. Throws RequestError 429 where all places are taken. */
  enter(context: Context): AbortController {
    if (this.running.size >= this.limit) {
      context.header("retry-after", "1");
      throw new RequestError(429, `${this.limit} requests are being answered. Try again.`, { code: "queue_full" });
    }
    const abort = new AbortController();
    const gone = () => abort.abort(new RequestError(400, "The client has gone."));
    context.req.raw.signal.addEventListener("abort", gone, { once: true });
    this.running.add(abort);
    return abort;
  }

  leave(abort: AbortController): void {
    this.running.delete(abort);
  }

  /** Breaks off what runs. */
  stop(): void {
    for (const abort of this.running) abort.abort(new RequestError(503, "The server stops."));
  }
}
