/** longspan serve: OpenAI's completions on a port of this machine. */
import { Command } from "commander";
import { contextLengthOf } from "../../context/position/rotation.ts";
import { createApp } from "../../server/app.ts";
import { listen } from "../../server/serve.ts";
import { wholeNumber } from "../arguments.ts";
import { addContextCacheOption, type ContextCacheOptions, openContextCache } from "../context-cache.ts";
import { Interrupted, interruptible } from "../interrupt.ts";
import { findModel, loadEngine } from "../model.ts";
import { addComputeOptions, addModelOption, type ComputeOptions } from "../options.ts";
import { resolvePlan } from "../plan.ts";
import { formatCount } from "../statistics.ts";
import { version } from "../version.ts";

interface ServeOptions extends ComputeOptions, ContextCacheOptions {
  model: string;
  host: string;
  port: number;
  apiKey?: string;
  maxRequests: number;
  cacheMb: number;
}

const EXAMPLES = `
Routes: /v1/chat/completions, /v1/completions, /v1/models, /health, /metrics.
Prompts that begin alike are read once, also at the same time; what was read is
kept on disk as well (longspan cache). A request may bring a context plan of its
own as "long_context". Ctrl-C ends it.

Examples:
  $ longspan serve
  $ longspan serve --model qwen2.5-coder-1.5b --port 9000 --api-key secret
  $ curl http://127.0.0.1:8080/v1/chat/completions -H 'content-type: application/json' \\
      -d '{"messages":[{"role":"user","content":"Hello"}],"stream":true}'`;

export function serveCommand(): Command {
  const command = new Command("serve").description("answer OpenAI-compatible requests over HTTP");
  return addContextCacheOption(addComputeOptions(addModelOption(command)))
    .option("--host <address>", "address to listen on; 0.0.0.0 lets other machines in", "127.0.0.1")
    .option("--port <n>", "port to listen on; 0 takes a free one", wholeNumber("--port", 0), 8080)
    .option("--api-key <key>", "ask for this key (default: LONGSPAN_API_KEY, else none)")
    .option("--max-requests <n>", "requests answered at once; more get 429", wholeNumber("--max-requests", 1), 32)
    .option("--cache-mb <n>", "memory for texts that were read, in MB", wholeNumber("--cache-mb", 1), 2048)
    .addHelpText("after", EXAMPLES)
    .action(serve);
}

async function serve(options: ServeOptions): Promise<void> {
  const { signal } = interruptible();
  const file = await findModel(options.model, signal);
  const plan = resolvePlan(options.plan, file, { tokens: 0 });
  const engine = await loadEngine(file, { threads: options.threads, signal });
  try {
    const server = createApp({
      ...{ engine, plan, version: version(), maxRequests: options.maxRequests },
      name: nameOf(options.model),
      store: openContextCache(options),
      cacheBytes: options.cacheMb * 1e6,
      apiKey: options.apiKey ?? process.env.LONGSPAN_API_KEY,
      onError: (error) => process.stderr.write(`${(error as Error)?.stack ?? error}\n`),
    });
    const { url, stop } = await listen(server, options);
    const context = formatCount(contextLengthOf(plan.position, file.contextLength));
    process.stderr.write(`${engine.model.name}, context ${context} tokens: ${url}/v1 (Ctrl-C ends it)\n`);
    await new Promise<void>((done) => {
      if (signal.aborted) done();
      signal.addEventListener("abort", () => done(), { once: true });
    });
    await stop();
    if (!(signal.reason instanceof Interrupted)) throw signal.reason;
  } finally {
    await engine.dispose();
  }
}

/** A catalogue name as it is, else the file's name without its ending. */
function nameOf(model: string): string {
  return (model.split("/").at(-1) ?? model).replace(/\.gguf$/i, "");
}
