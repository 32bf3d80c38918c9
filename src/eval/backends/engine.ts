/**
 * Our own engine with a plan. One session answers one prompt after the other and goes back to where the next one
 * begins alike, so samples that share a context read it once.
 */
import { createHash } from "node:crypto";
import { basename } from "node:path";
import { needsCalibration } from "../../context/cache/calibration.ts";
import type { Plan } from "../../context/plan.ts";
import type { Engine, Session } from "../../engine/types.ts";
import { calibrationPath } from "../../hub/calibrations.ts";
import { fileFingerprint } from "../../hub/fingerprint.ts";
import { UnsupportedError } from "../../runtime/errors.ts";
import { hasChat } from "../../tokenizer/chat-template.ts";
import { commonPrefix, renderParts } from "../prompt.ts";
import type { Backend, Generation, GenerationRequest, Parts, PromptMode } from "../types.ts";

/** A rest of at most 8 tokens would be computed as steps, which sum in another order: the answer must not depend on what was shared. */
const LEAST_REST = 9;

export interface EngineBackendOptions {
  readonly engine: Engine;
  readonly plan: Plan;
  readonly mode: PromptMode;
  /** The model's file, for the fingerprint. */
  readonly path: string;
  readonly version: string;
}

export async function openEngineBackend(options: EngineBackendOptions): Promise<Backend> {
  const { engine, plan, mode, path, version } = options;
  const { tokenizer } = engine;
  if (mode !== "raw" && !hasChat(tokenizer))
    throw new UnsupportedError(
      `mode: ${basename(path)} has no chat template, so "${mode}" is not possible. Pass --mode raw.`,
    );
  const session = await engine.session({ plan });
  let held: Int32Array = new Int32Array(0);
  const render = (parts: Parts) => renderParts(tokenizer, parts, mode);

  async function read(request: GenerationRequest): Promise<{ ids: Int32Array; cached: number }> {
    const ids = render(request.parts);
    const shared = Math.min(commonPrefix(held, ids), ids.length - LEAST_REST);
    const cached = await session.truncate(Math.max(0, shared));
    held = ids.slice(0, cached);
    await session.prefill(ids.subarray(cached), {
      signal: request.signal,
      onProgress: (done) => {
        held = ids.slice(0, cached + done);
        request.onProgress?.(done);
      },
    });
    return { ids, cached };
  }

  return {
    name: basename(path),
    fingerprint: hash(fileFingerprint(path), JSON.stringify(plan), version, ...calibrationOf(plan, path)),
    mode,
    contextLength: session.contextLength,
    concurrency: 1,
    sharesPrefixes: true,
    promptTokens: (parts) => render(parts).length,
    countTokens: (text) => tokenizer.encode(text, { bos: false }).length,

    async generate(request): Promise<Generation> {
      const start = performance.now();
      const { ids, cached } = await read(request);
      const wasRead = performance.now();
      const { text, outputTokens } = await write(session, request);
      const end = performance.now();
      const { cacheBytes } = await session.memory();
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
    },
    dispose: () => session.dispose(),
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
