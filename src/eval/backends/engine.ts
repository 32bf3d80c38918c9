/** Our own engine under one or more plans. Prompts are read in turn, answers are written in copies of what was read. */
import { createHash } from "node:crypto";
import { basename } from "node:path";
import { needsCalibration } from "../../context/cache/calibration.ts";
import type { Plan } from "../../context/plan.ts";
import { readingPlan } from "../../context/reading-plan.ts";
import type { BlockStore, Engine, Session } from "../../engine/types.ts";
import { calibrationPath } from "../../hub/calibrations.ts";
import { fileFingerprint } from "../../hub/fingerprint.ts";
import { UnsupportedError } from "../../runtime/errors.ts";
import { hasChat } from "../../tokenizer/chat-template.ts";
import { renderParts } from "../prompt.ts";
import type { Backend, Generation, GenerationRequest, Parts, PromptMode } from "../types.ts";
import { Reading } from "./reading.ts";

export interface EngineBackendOptions {
  readonly engine: Engine;
  readonly plans: readonly Plan[];
  readonly mode: PromptMode;
  /** The model's file, for the fingerprint. */
  readonly path: string;
  readonly version: string;
  /** Of texts that were read before. */
  readonly store?: BlockStore;
}

/** One backend for each plan, in their order. Those that read alike share what they read. */
export async function openEngineBackends({ plans, ...options }: EngineBackendOptions): Promise<Backend[]> {
  const { engine, mode, path } = options;
  const { tokenizer } = engine;
  if (mode !== "raw" && !hasChat(tokenizer))
    throw new UnsupportedError(
      `mode: ${basename(path)} has no chat template, so "${mode}" is not possible. Pass --mode raw.`,
    );
  const alike = new Map<string, Plan[]>();
  const readsAs = (plan: Plan) => JSON.stringify(readingPlan(plan).plan);
  for (const plan of plans) alike.set(readsAs(plan), [...(alike.get(readsAs(plan)) ?? []), plan]);
  const readings = new Map<string, Reading>();
  for (const [key, plans] of alike) readings.set(key, await Reading.open(engine, plans, options.store));
  return plans.map((plan) => backendOf(plan, readings.get(readsAs(plan)) as Reading, options));
}

function backendOf(
  plan: Plan,
  reading: Reading,
  { engine, mode, path, version }: Omit<EngineBackendOptions, "plans">,
): Backend {
  const { tokenizer } = engine;
  const { dropsAfter } = readingPlan(plan);
  const { session } = reading;
  const render = (parts: Parts) => renderParts(tokenizer, parts, mode);

  return {
    name: basename(path),
    fingerprint: hash(fileFingerprint(path), JSON.stringify(plan), version, ...calibrationOf(plan, path)),
    mode,
    contextLength: session.contextLength,
    concurrency: 1,
    reading,
    sharesPrefixes: true,
    promptTokens: (parts) => render(parts).length,
    countTokens: (text) => tokenizer.encode(text, { bos: false }).length,

    async generate(request): Promise<Generation> {
      const start = performance.now();
      const ids = render(request.parts);
      const cached = await reading.read(ids, request);
      const answering = await session.fork();
      try {
        if (dropsAfter) await answering.compress(plan.cache);
        const wasRead = performance.now();
        const { text, outputTokens } = await write(answering, request);
        const end = performance.now();
        const { cacheBytes } = await answering.memory();
        return {
          text,
          finish: outputTokens >= request.maxTokens ? "length" : "stop",
          usage: {
            promptTokens: ids.length,
            cachedTokens: cached,
            outputTokens,
            cacheBytes,
            prefillSeconds: (wasRead - start) / 1000,
            decodeSeconds: (end - wasRead) / 1000,
            seconds: (end - start) / 1000,
          },
        };
      } finally {
        await answering.dispose();
      }
    },
    dispose: () => reading.release(),
  };
}

async function write(session: Session, { maxTokens, stop, signal }: GenerationRequest) {
  let text = "";
  let outputTokens = 0;
  for await (const token of session.generate({ maxTokens, stop: stop && [...stop], signal })) {
    text += token.text;
    outputTokens++;
  }
  return { text, outputTokens };
}

/** What a plan's answers hang on besides the model: its calibration, where the plan reads one. */
function calibrationOf({ cache }: Plan, path: string): string[] {
  const calibration = needsCalibration(cache) ? calibrationPath(path) : undefined;
  return calibration === undefined ? [] : [fileFingerprint(calibration)];
}

function hash(...parts: string[]): string {
  return createHash("sha256").update(parts.join("\n")).digest("hex").slice(0, 16);
}
