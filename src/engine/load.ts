/** Loads a model: reads the header, checks that it fits, starts the controller and hands it the file. */
import { expectCalibrationFits } from "../context/cache/calibration.ts";
import { expectSoundPlan } from "../context/check.ts";
import { defaultPlan, type Plan } from "../context/plan.ts";
import { contextLengthOf } from "../context/position/rotation.ts";
import { selects } from "../context/reading-plan.ts";
import { readGguf } from "../formats/gguf.ts";
import { type ModelConfig, readModelConfig } from "../model/config.ts";
import { Decoder } from "../model/decoder.ts";
import { weightBytes } from "../model/weights.ts";
import type { ByteSource, Host } from "../platform/platform.ts";
import { CapacityError, InputError } from "../runtime/errors.ts";
import { createTokenizer } from "../tokenizer/tokenizer.ts";
import { type BelowPlan, belowPlanOf } from "./below-selection.ts";
import type { ControllerMethods } from "./controller-methods.ts";
import { planFacts } from "./plan-facts.ts";
import { Caller } from "./rpc.ts";
import { EngineSession } from "./session.ts";
import { Stepper } from "./stepper.ts";
import { blocksOf, keysOf, StoredText } from "./stored-text.ts";
import { useTechniques } from "./techniques.ts";
import { modelSeed, textSeed } from "./text-seed.ts";
import {
  type BlockStore,
  type Engine,
  type LoadOptions,
  type ModelInfo,
  maxPrefillChunk,
  type SessionOptions,
} from "./types.ts";

/** JavaScript heaps, code and stacks of the threads. */
const OVERHEAD_BYTES = 200 << 20;

export async function loadEngine(host: Host, path: string, options: LoadOptions = {}): Promise<Engine> {
  const { onProgress, signal, techniques = [], calibration, profile } = options;
  if (techniques.length > 0) await useTechniques(techniques);
  const threads = checkThreads(options.threads, host.availableThreads());
  const file = host.openFile(path);
  const { gguf, config, fileBytes } = readHeader(file);
  const tokenizer = createTokenizer(gguf.metadata);
  if (calibration) expectCalibrationFits(calibration, config);
  checkMemory(host, config, weightBytes(gguf), path);
  signal?.throwIfAborted();

  const caller = new Caller<ControllerMethods>(host.spawn({ role: "controller" }));
  const abort = () => void caller.stop();
  signal?.addEventListener("abort", abort, { once: true });
  try {
    const params = { path, tensors: gguf.tensors, config, threads, techniques, calibration, profile };
    await caller.call("load", { ...params, chunk: maxPrefillChunk }, (event) => {
      const { done, total } = event as { done: number; total: number };
      onProgress?.(done, total);
    });
  } catch (error) {
    await caller.stop();
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener("abort", abort);
  }

  const model = modelInfo(config, fileBytes);
  const facts = { ...planFacts(config), hasCalibration: calibration !== undefined };
  /** A block can be stored until it leaves a window: no chunk may be longer. */
  const smallestWindow = Math.min(...config.layers.map(({ window }) => window || maxPrefillChunk));
  let seed: Promise<Uint8Array> | undefined;
  async function seedOf(plan: Plan, below?: BelowPlan): Promise<Uint8Array> {
    seed ??= withFile(host, path, modelSeed);
    return textSeed(await seed, plan, below?.layers);
  }
  async function storedText(store: BlockStore, plan: Plan, session: number, below?: BelowPlan): Promise<StoredText> {
    const blocks = blocksOf(caller, session, { isBelow: below !== undefined });
    return new StoredText({ store, seed: await seedOf(plan, below), model: model.name, ...blocks });
  }
  const belowOf = (plan: Plan) => belowPlanOf(plan.prefill, model.numLayers);

  const stepper = new Stepper(caller);
  let sessions = 0;
  let disposed: Promise<void> | undefined;
  return {
    model,
    tokenizer,
    threads,
    async session(options: SessionOptions = {}) {
      const { plan = defaultPlan, prefillChunk = maxPrefillChunk, collect = [], store } = options;
      const { statistics, trace, recall } = options;
      const chunk = checkChunk(prefillChunk);
      for (const cache of [plan.cache, ...collect]) expectSoundPlan({ ...plan, cache }, facts);
      const contextLength = contextLengthOf(plan.position, config.contextLength);
      const nextId = () => ++sessions;
      const id = nextId();
      const { isPlain } = await caller.call("open", { session: id, plan, collect, statistics, trace, recall });
      const stored = store && isPlain && !statistics ? await storedText(store, plan, id) : undefined;
      const below = belowOf(plan);
      const storedBelow = store && stored && below && (await storedText(store, plan, id, below));
      return new EngineSession({
        ...{ id, caller, model, tokenizer, contextLength, collect, stored, storedBelow, nextId, stepper },
        chunk: stored ? Math.min(chunk, smallestWindow) : chunk,
        plan,
      });
    },
    async textKeys(tokenIds, plan = defaultPlan) {
      const below = selects(plan, tokenIds.length) ? belowOf(plan) : undefined;
      return keysOf(await seedOf(plan, below), Int32Array.from(tokenIds));
    },
    memory: () => caller.call("engineMemory", undefined),
    profile: ({ reset = false } = {}) => caller.call("profile", { reset }),
    dispose() {
      disposed ??= caller.call("stop", undefined).then(() => caller.stop());
      return disposed;
    },
  };
}

async function withFile<T>(host: Host, path: string, work: (file: ByteSource) => Promise<T>): Promise<T> {
  const file = host.openFile(path);
  try {
    return await work(file);
  } finally {
    file.close();
  }
}

function readHeader(file: ReturnType<Host["openFile"]>) {
  try {
    const gguf = readGguf(file);
    return { gguf, config: readModelConfig(gguf, file), fileBytes: file.size };
  } finally {
    file.close();
  }
}

function modelInfo(config: ModelConfig, fileBytes: number): ModelInfo {
  const { name, architecture, contextLength, vocabularySize, numLayers, hiddenSize } = config;
  return { name, architecture, contextLength, vocabularySize, numLayers, hiddenSize, fileBytes };
}

function checkThreads(threads: number | undefined, cores: number): number {
  if (threads === undefined) return cores;
  if (!Number.isInteger(threads) || threads < 1 || threads > cores)
    throw new InputError(
      `threads: expected a whole number from 1 to ${cores} (the cores here), got ${threads}. Leave it out for all cores.`,
    );
  return threads;
}

function checkChunk(chunk: number): number {
  if (!Number.isInteger(chunk) || chunk < 1 || chunk > maxPrefillChunk)
    throw new InputError(`prefillChunk: expected a whole number from 1 to ${maxPrefillChunk}, got ${chunk}.`);
  return chunk;
}

/** The sum, before anything is loaded. */
function checkMemory(host: Host, config: ModelConfig, weights: number, path: string): void {
  const work = Decoder.workBytes(config, maxPrefillChunk);
  const needed = weights + work + OVERHEAD_BYTES;
  const free = host.freeMemoryBytes();
  const megabytes = (bytes: number) => `${Math.ceil(bytes / 2 ** 20)} MB`;
  if (needed > free)
    throw new CapacityError(
      `${path}: needs ${megabytes(needed)} of memory (weights ${megabytes(weights)} + work space ${megabytes(work)} + ` +
        `program ${megabytes(OVERHEAD_BYTES)}), ${megabytes(free)} are free. Close other programs or use a smaller model.`,
      { expected: needed, got: free },
    );
}
