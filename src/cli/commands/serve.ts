/** longspan serve: OpenAI's and Anthropic's requests, answered on a port of this machine. */
import { Command } from "commander";
import type { Plan } from "../../context/plan.ts";
import { contextLengthOf } from "../../context/position/rotation.ts";
import type { Engine } from "../../engine/types.ts";
import { readReport, readReportPage } from "../../eval/report/read.ts";
import { DiskBlockStore } from "../../hub/block-store.ts";
import { contextsFolder, runsFolder } from "../../hub/home.ts";
import { InputError } from "../../runtime/errors.ts";
import { createApp } from "../../server/app.ts";
import { type LoadingSite, loadingSite } from "../../server/loading.ts";
import { listen } from "../../server/serve.ts";
import { wholeNumber } from "../arguments.ts";
import { addContextCacheOption, type ContextCacheOptions, openContextCache } from "../context-cache.ts";
import { Interrupted, interruptible } from "../interrupt.ts";
import { findModel, type ModelFile } from "../model.ts";
import { addComputeOptions, addModelOption, type ComputeOptions } from "../options.ts";
import { resolvePlan } from "../plan.ts";
import { type ProgressBar, progressBar } from "../progress.ts";
import { addForcePlanOption, type ForcePlanOptions, PromptPlans } from "../prompt-plans.ts";
import { formatCount } from "../statistics.ts";
import { version } from "../version.ts";

interface ServeOptions extends ComputeOptions, ContextCacheOptions, ForcePlanOptions {
  model: string;
  host: string;
  port: number;
  apiKey?: string;
  maxRequests: number;
  cacheMb: number;
  cors?: string;
}

const EXAMPLES = `
Routes: /v1/chat/completions, /v1/completions, /v1/embeddings, /v1/messages
(Anthropic's), /v1/models, /v1/cache, /v1/reports, /tokenize, /detokenize,
/health, /metrics; /openapi.json describes them; / is a web page. It listens at
once and answers 503 until the model is loaded.
Prompts that begin alike are read once, also at the same time; what was read is
kept on disk as well (longspan cache). A request may bring a context plan of its
own as "long_context". Ctrl-C ends it.

Examples:
  $ longspan serve
  $ longspan serve --model qwen2.5-coder-1.5b --port 9000 --api-key secret
  $ curl http://127.0.0.1:8080/v1/chat/completions -H 'content-type: application/json' \\
      -d '{"messages":[{"role":"user","content":"Hello"}],"stream":true}'`;

export function serveCommand(): Command {
  const command = new Command("serve").description("answer OpenAI's and Anthropic's requests over HTTP");
  return addContextCacheOption(addForcePlanOption(addComputeOptions(addModelOption(command))))
    .option("--host <address>", "address to listen on; 0.0.0.0 lets other machines in", "127.0.0.1")
    .option("--port <n>", "port to listen on; 0 takes a free one", wholeNumber("--port", 0), 8080)
    .option("--api-key <key>", "ask for this key (default: LONGSPAN_API_KEY, else none)")
    .option("--max-requests <n>", "requests answered at once; more get 429", wholeNumber("--max-requests", 1), 32)
    .option("--cache-mb <n>", "memory for texts that were read, in MB", wholeNumber("--cache-mb", 1), 2048)
    .option("--cors <origin>", "let pages of this origin call it from a browser; * lets all", corsOrigin)
    .addHelpText("after", EXAMPLES)
    .action(serve);
}

async function serve(options: ServeOptions): Promise<void> {
  const { signal } = interruptible();
  const file = await findModel(options.model, signal);
  const plan = resolvePlan(options.plan, file, { tokens: 0 });
  const site = loadingSite({ corsOrigin: options.cors });
  const { url, stop } = await listen(site, options);
  process.stderr.write(`${url}: 503 until the model is loaded\n`);
  let engine: Engine | undefined;
  try {
    engine = await loadInto(site, file, { threads: options.threads, signal });
    site.open(createServer(engine, plan, { ...options, plans: new PromptPlans(file, options) }));
    const context = formatCount(contextLengthOf(plan.position, file.contextLength));
    process.stderr.write(
      `${engine.model.name}, context ${context} tokens: ${url} in a browser, ${url}/v1 for programs (Ctrl-C ends it)\n`,
    );
    await new Promise<void>((done) => {
      if (signal.aborted) done();
      signal.addEventListener("abort", () => done(), { once: true });
    });
    if (!(signal.reason instanceof Interrupted)) throw signal.reason;
  } finally {
    await stop();
    await engine?.dispose();
  }
}

/** The progress is shown in the terminal and told to clients. */
async function loadInto(
  site: LoadingSite,
  { path }: ModelFile,
  { threads, signal }: { threads?: number; signal: AbortSignal },
): Promise<Engine> {
  // Imported here so that what is refused before starts without the engine.
  const { load } = await import("../../index.ts");
  let bar: ProgressBar | undefined;
  const onProgress = (done: number, total: number) => {
    bar ??= progressBar(process.stderr, { label: "loading weights", total, unit: "bytes" });
    bar.update(done);
    site.progress = done / total;
  };
  const engine = await load(path, { threads, signal, onProgress });
  bar?.finish();
  return engine;
}

function createServer(engine: Engine, plan: Plan, options: ServeOptions & { readonly plans: PromptPlans }) {
  return createApp({
    ...{ engine, plan, version: version(), maxRequests: options.maxRequests },
    name: nameOf(options.model),
    promptPlan: (asked, promptTokens) => options.plans.planFor(asked, promptTokens, { quiet: true }),
    store: openContextCache(options),
    contexts: options.cache ? new DiskBlockStore(contextsFolder()) : undefined,
    reports: { folder: runsFolder(), read: readReport, readPage: readReportPage },
    cacheBytes: options.cacheMb * 1e6,
    apiKey: options.apiKey ?? process.env.LONGSPAN_API_KEY,
    corsOrigin: options.cors,
    onError: (error) => process.stderr.write(`${(error as Error)?.stack ?? error}\n`),
  });
}

/** An origin as browsers write it, or *. */
function corsOrigin(text: string): string {
  if (text === "*" || (URL.canParse(text) && new URL(text).origin === text)) return text;
  const hint = URL.canParse(text) && new URL(text).origin !== "null" ? new URL(text).origin : "http://localhost:3000";
  throw new InputError(`--cors: expected an origin or *, got "${text}". Write for example --cors ${hint}.`, {
    got: text,
  });
}

/** A catalogue name as it is, else the file's name without its ending. */
function nameOf(model: string): string {
  return (model.split("/").at(-1) ?? model).replace(/\.gguf$/i, "");
}
