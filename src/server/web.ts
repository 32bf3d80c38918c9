/** The web page at "/": the files of build/web, held in memory, under a policy that lets them load nothing from elsewhere. */
import { readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Hono } from "hono";
import { addDocumentRoutes } from "./documents.ts";
import { RequestError } from "./errors.ts";
import { addPlanRoutes } from "./plans.ts";
import type { Service } from "./service.ts";

const built = fileURLToPath(new URL("../../../build/web", import.meta.url));

const types: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

const policy = [
  "default-src 'none'",
  ...["script-src", "style-src", "img-src", "connect-src"].map((kind) => `${kind} 'self'`),
  ...["base-uri", "form-action", "frame-ancestors"].map((kind) => `${kind} 'none'`),
].join("; ");

const headers = {
  "content-security-policy": policy,
  "cross-origin-opener-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/** The page, and what it asks for besides completions. To be added behind the question for the key, which "/" needs none of. */
export function addWebRoutes(app: Hono, service: Service): void {
  addPageFiles(app);
  addDocumentRoutes(app, service.engine.tokenizer);
  addPlanRoutes(app, service);
}

/** Files under assets/ have a hash of their content in their names. */
export function addPageFiles(app: Hono, folder = built): void {
  const files = readFiles(folder);
  app.get("/", (context) => {
    const page = files.get("index.html");
    if (!page) throw new RequestError(404, "The web page is not built. Run `npm run build`; the API is under /v1.");
    return context.body(page, 200, { ...headers, "content-type": types[".html"], "cache-control": "no-cache" });
  });
  for (const [name, bytes] of files) {
    if (name === "index.html") continue;
    const cache = name.startsWith("assets/") ? "public, max-age=31536000, immutable" : "no-cache";
    const type = types[extname(name)];
    app.get(`/${name}`, (context) =>
      context.body(bytes, 200, { ...headers, "content-type": type, "cache-control": cache }),
    );
  }
}

/** By path below the folder; none where there is no such folder. Other kinds of files are not served. */
function readFiles(folder: string): Map<string, Uint8Array<ArrayBuffer>> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const name of namesIn(folder)) {
    if (extname(name) in types) files.set(name.replaceAll("\\", "/"), new Uint8Array(readFileSync(join(folder, name))));
  }
  return files;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: "utf8" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
