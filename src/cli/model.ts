/** From a model argument to an engine, in two steps: the header first (cheap, enough to refuse), then the weights. */
import type { Engine } from "../engine/types.ts";
import { readGguf } from "../formats/gguf.ts";
import { resolveModel } from "../hub/resolve.ts";
import { openFile } from "../platform/node.ts";
import { CapacityError, UnsupportedError } from "../runtime/errors.ts";
import { createTokenizer, type Tokenizer } from "../tokenizer/tokenizer.ts";
import { type ProgressBar, progressBar } from "./progress.ts";
import { pullReport } from "./pull-report.ts";

/** What is known of a model without its weights. */
export interface ModelFile {
  readonly path: string;
  readonly tokenizer: Tokenizer;
  readonly contextLength: number;
}

/** Finds (or downloads) the model and reads its header. */
export async function findModel(argument: string, signal: AbortSignal): Promise<ModelFile> {
  const report = pullReport(argument);
  const path = await resolveModel(argument, { ...report, signal }).finally(report.finish);
  return readHeader(path);
}

export async function loadEngine(
  file: ModelFile,
  { threads, signal }: { threads?: number; signal: AbortSignal },
): Promise<Engine> {
  // Imported here so that everything up to this point starts without the engine.
  const { load } = await import("../index.ts");
  let bar: ProgressBar | undefined;
  const engine = await load(file.path, {
    threads,
    signal,
    onProgress: (done, total) => {
      bar ??= progressBar(process.stderr, { label: "loading weights", total, unit: "bytes" });
      bar.update(done);
    },
  });
  bar?.finish();
  return engine;
}

/** Refuses what cannot fit, with both numbers, before the weights are read. */
export function expectRoom(
  where: string,
  { promptTokens, outputTokens, contextLength }: { promptTokens: number; outputTokens: number; contextLength: number },
): void {
  if (promptTokens + outputTokens <= contextLength) return;
  const room = contextLength - promptTokens;
  const remedy =
    room > 0
      ? `Pass --max-tokens ${room} or less, or give a shorter text`
      : "Give a shorter text, or a model with a longer context";
  throw new CapacityError(
    `${where}: ${count(promptTokens)} tokens and room for ${count(outputTokens)} more, the model's context is ${count(contextLength)}. ${remedy}.`,
    { expected: contextLength, got: promptTokens + outputTokens },
  );
}

function readHeader(path: string): ModelFile {
  const source = openFile(path);
  try {
    const { metadata } = readGguf(source);
    const architecture = metadata.get("general.architecture");
    const contextLength = Number(metadata.get(`${architecture}.context_length`));
    if (!(contextLength > 0))
      throw new UnsupportedError(
        `${path}: expected the model's context length under "${architecture}.context_length", got none. Give the file of a language model.`,
      );
    return { path, contextLength, tokenizer: createTokenizer(metadata) };
  } finally {
    source.close();
  }
}

function count(tokens: number): string {
  return tokens.toLocaleString("en-US");
}
