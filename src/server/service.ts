/** What all routes share: one engine with its name, the sessions that were read, the requests that run. */
import type { Plan } from "../context/plan.ts";
import { contextLengthOf } from "../context/position/rotation.ts";
import type { BlockStore, Engine } from "../engine/types.ts";
import type { DiskBlockStore } from "../hub/block-store.ts";
import { PAGE_SLOTS } from "../ops/attention.ts";
import { Admission } from "./admission.ts";
import type { PromptReader } from "./completion.ts";
import { RequestError } from "./errors.ts";
import { Grammars } from "./grammar/grammar.ts";
import { Metrics } from "./metrics.ts";
import { PrefixPool } from "./prefix-pool.ts";
import { PromptPins } from "./prompt-pins.ts";

export interface ServerOptions {
  readonly engine: Engine;
  /** Id of the model in requests and answers. */
  readonly name: string;
  readonly version: string;
  /** Of requests that bring none. */
  readonly plan: Plan;
  /** The plan that a prompt is read with, for the one that was asked for. Default: that. */
  readonly promptPlan?: (plan: Plan, promptTokens: number) => Plan;
  readonly store?: BlockStore;
  /** The folder behind `store`, for what lists, drops and pins what is in it. */
  readonly contexts?: DiskBlockStore;
  /** Bytes of KV pages above which readings that nobody uses are given up. */
  readonly cacheBytes: number;
  /** Requests that are answered at once; one more is refused with 429. */
  readonly maxRequests: number;
  readonly apiKey?: string;
  /** Pages of this origin may call the server from a browser; of all with "*". */
  readonly corsOrigin?: string;
  /** Of what is no fault of the client. */
  readonly onError?: (error: unknown) => void;
}

export class Service {
  readonly engine: Engine;
  readonly name: string;
  readonly version: string;
  readonly plan: Plan;
  readonly promptPlan: (plan: Plan, promptTokens: number) => Plan;
  readonly contexts?: DiskBlockStore;
  readonly cacheBytes: number;
  readonly onError: (error: unknown) => void;
  readonly metrics = new Metrics();
  readonly admission: Admission;
  readonly grammars: Grammars;
  /** What requests ask to be kept on disk; none without a folder. */
  readonly promptPins?: PromptPins;
  /** What was read. */
  readonly pool: PrefixPool;

  constructor(options: ServerOptions) {
    const { engine, name, version, plan, store, contexts, cacheBytes, maxRequests, onError } = options;
    this.engine = engine;
    this.name = name;
    this.version = version;
    this.plan = plan;
    this.promptPlan = options.promptPlan ?? ((asked) => asked);
    this.contexts = contexts;
    this.cacheBytes = cacheBytes;
    this.onError = onError ?? (() => {});
    this.pool = new PrefixPool({ engine, store, maxBytes: cacheBytes });
    this.admission = new Admission(maxRequests);
    this.grammars = new Grammars(engine);
    if (store && contexts) this.promptPins = new PromptPins(contexts);
  }

  /** Of a plan, by default the server's own. */
  contextLength({ position }: Plan = this.plan): number {
    return contextLengthOf(position, this.engine.model.contextLength);
  }

  /** Reads prompts under a plan, as far as they were not read before. */
  readerOf(plan: Plan): PromptReader {
    return { read: (ids, options) => this.pool.read(this.promptPlan(plan, ids.length), ids, options) };
  }

  /** Keeps the first `length` tokens of a prompt that was read on disk, as long as there is room: see PromptPins. */
  async pinPrompt(ids: Int32Array, length: number, plan: Plan): Promise<void> {
    // Where the plan selects, by the length of the whole prompt, blocks are those of its lower layers.
    const keys = (await this.engine.textKeys(ids, plan)).slice(0, Math.floor(length / PAGE_SLOTS));
    const first = keys.length > 0 ? await this.contexts?.get(keys[0]) : undefined;
    if (first) await this.promptPins?.keep(keys, first.length);
  }

  /** Throws RequestError 404 for another model than there is. */
  expectModel(model: string | undefined): void {
    if (model === undefined || model === this.name) return;
    throw new RequestError(404, `The model ${JSON.stringify(model)} does not exist. There is ${this.name}.`, {
      code: "model_not_found",
      param: "model",
    });
  }

  /** Breaks off what runs and closes what is kept. */
  async stop(): Promise<void> {
    this.admission.stop();
    await this.pool.clear();
    await this.promptPins?.release();
  }
}
