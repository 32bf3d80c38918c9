/** From options to what answers: our engine with a plan, or an endpoint. */

import type { Plan } from "../../../context/plan.ts";
import { type EndpointBackend, openEndpoint, type Totals } from "../../../eval/backends/endpoint/index.ts";
import { openEngineBackends } from "../../../eval/backends/engine.ts";
import type { Backend } from "../../../eval/types.ts";
import { InputError } from "../../../runtime/errors.ts";
import { hasChat } from "../../../tokenizer/chat-template.ts";
import { openContextCache } from "../../context-cache.ts";
import { findModel, loadEngine } from "../../model.ts";
import { resolvePlan } from "../../plan.ts";
import { formatCount } from "../../statistics.ts";
import { version } from "../../version.ts";
import type { TargetOptions } from "./options.ts";

export interface Target {
  /** An endpoint, or an engine under each of its plans. At least one. */
  readonly backends: readonly Backend[];
  /** The plan of each, of an engine. */
  readonly plans?: readonly Plan[];
  /** What an endpoint was asked for in all. */
  totals?(): Totals;
  dispose(): Promise<void>;
}

export async function openTarget(options: TargetOptions, signal: AbortSignal): Promise<Target> {
  const { plan, also = [] } = options;
  if (options.endpoint !== undefined) {
    if (also.length > 0)
      throw new InputError("--also: expected plans of an engine, got an --endpoint, which has its own. Leave one out.");
    return openEndpointTarget(options, options.endpoint, signal);
  }
  const file = await findModel(options.model, signal);
  const plans = [plan, ...also];
  for (const plan of plans) resolvePlan(plan, file, { tokens: 0 });
  const engine = await loadEngine(file, { threads: options.threads, signal });
  const { mode = hasChat(file.tokenizer) ? "chat+prefill" : "raw" } = options;
  try {
    const store = openContextCache({ cache: options.contextCache === true });
    const backends = await openEngineBackends({ engine, plans, mode, path: file.path, version: version(), store });
    return { backends, plans, dispose: () => engine.dispose() };
  } catch (error) {
    await engine.dispose();
    throw error;
  }
}

async function openEndpointTarget(options: TargetOptions, url: string, signal: AbortSignal): Promise<Target> {
  const { endpointModel: model, contextLength, concurrency, timeout: timeoutSeconds, prices } = options;
  const tokenizer =
    options.tokenizer === undefined ? undefined : (await findModel(options.tokenizer, signal)).tokenizer;
  const mode = options.mode ?? (tokenizer && hasChat(tokenizer) ? "chat+prefill" : "chat");
  const backend = await openEndpoint({
    url,
    model,
    tokenizer,
    mode,
    contextLength,
    concurrency,
    timeoutSeconds,
    prices,
    signal,
  });
  process.stderr.write(`${describeEndpoint(backend)}\n`);
  return { backends: [backend], totals: () => backend.totals, dispose: () => backend.dispose() };
}

function describeEndpoint({ model, contextLength, capabilities, counter, mode }: EndpointBackend): string {
  const can = Object.entries(capabilities).flatMap(([name, value]) => (value === true ? [name] : []));
  const counted = { tokenizer: "counted exactly", server: "measured with the server", estimate: "estimated" }[counter];
  return `${model}: context ${formatCount(contextLength)}, has ${can.join(", ")}; lengths ${counted}; mode ${mode}`;
}
