/** /v1/reports: evaluation runs that are kept on this machine, and what came out. Nothing is ever written. */
import type { Hono } from "hono";
import { type ReportSource, ReportsFolder } from "./reports-folder.ts";

/**
 * A report's page has its script inside, and answers of models: it runs in an origin of its own, which can read nothing of
 * the server's and keeps no key.
 */
const pageHeaders = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy":
    "sandbox allow-scripts; default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "cache-control": "no-cache",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

export function addReportRoutes(app: Hono, source?: ReportSource): void {
  const reports = new ReportsFolder(source);
  app.get("/v1/reports", async (context) => context.json({ object: "list", data: await reports.list() }));
  app.get("/v1/reports/:id", async (context) => context.json(await reports.get(context.req.param("id"))));
  app.get("/v1/reports/:id/page", async (context) =>
    context.body(await reports.page(context.req.param("id")), 200, pageHeaders),
  );
}
