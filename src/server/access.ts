/** Who may call: an API key, in constant time, and pages of other origins. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { Hono } from "hono";
import { cors } from "hono/cors";
import { RequestError } from "./errors.ts";

/** Everything under /v1 asks for the key, as OpenAI's clients send it or as Anthropic's do. */
export function askForKey(app: Hono, key: string): void {
  app.use("/v1/*", async (context, next) => {
    const bearer = isSame(context.req.header("authorization"), `Bearer ${key}`);
    const plain = isSame(context.req.header("x-api-key"), key);
    if (!bearer && !plain)
      throw new RequestError(401, "Incorrect API key. Send it as `Authorization: Bearer KEY` or `x-api-key: KEY`.", {
        code: "invalid_api_key",
      });
    await next();
  });
}

/** Before the key is asked for: a browser sends none when it asks what is allowed. */
export function allowOrigin(app: Hono, origin: string): void {
  const allowMethods = ["GET", "POST", "DELETE"];
  app.use(cors({ origin, allowMethods, exposeHeaders: ["retry-after"], maxAge: 600 }));
}

/**
 * A browser sends simple requests of any page here without asking; such a page could not read the answer, but it could have texts
 * computed and contexts dropped. Pages of `allowed` may; "*" lets all.
 */
export function refuseOtherSites(app: Hono, allowed: string | undefined): void {
  app.use(async (context, next) => {
    const isForeign = context.req.header("sec-fetch-site") === "cross-site" && context.req.method !== "GET";
    const isAllowed = allowed === "*" || (allowed !== undefined && context.req.header("origin") === allowed);
    if (isForeign && !isAllowed)
      throw new RequestError(403, "Pages of other sites may not call this server. Start it with --cors ORIGIN.", {
        code: "cross_site",
      });
    await next();
  });
}

function isSame(given: string | undefined, expected: string): boolean {
  const sum = (text: string) => createHash("sha256").update(text).digest();
  return given !== undefined && timingSafeEqual(sum(given), sum(expected));
}
