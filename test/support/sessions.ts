/** Engines and sessions for tests, in few words. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadEngine } from "../../src/engine/load.ts";
import type { Engine, GenerateOptions, LoadOptions, Plan, Session } from "../../src/index.ts";
import { parsePlan } from "../../src/index.ts";
import { nodeHost } from "../../src/platform/node.ts";
import type { Host } from "../../src/platform/platform.ts";
import { type GgufModel, writeGguf } from "./gguf-writer.ts";
import { rowsOf } from "./kl.ts";
import { random } from "./random.ts";
import { writeTinyModel } from "./tiny-model.ts";

export type CacheFormat = Plan["cache"]["format"];

export function planWith(format: CacheFormat): Plan {
  return parsePlan({ cache: { format } });
}

/** This machine, with what a test wants to be otherwise. */
export function testHost(changes: Partial<Host> = {}): Host {
  return { ...nodeHost, ...changes };
}

/** The model of test/golden/tiny/<name>.json, on two threads even where there is one core. */
export async function loadTiny(name: string, options?: LoadOptions): Promise<Engine> {
  return loadEngine(testHost({ availableThreads: () => 2 }), await writeTinyModel(name), options);
}

/** Writes a model into a folder of its own, which lasts as long as this process, and gives the path. */
export function writeModel(model: GgufModel): string {
  const path = join(temporaryFolder(), "model.gguf");
  writeGguf(path, model);
  return path;
}

/** A new empty folder that is removed when this process ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "longspan-test-"));
  if (folders.length === 0)
    process.once("exit", () => {
      for (const path of folders) rmSync(path, { recursive: true, force: true });
    });
  folders.push(folder);
  return folder;
}
const folders: string[] = [];

export function randomIds(engine: Engine, length: number, seed: number): number[] {
  const next = random(seed);
  return Array.from({ length }, () => Math.floor(next() * engine.model.vocabularySize));
}

/** Appends tokens and gives the logits of each. */
export async function readLogits(
  engine: Engine,
  session: Session,
  tokenIds: ArrayLike<number>,
): Promise<Float32Array[]> {
  const rows: Float32Array[] = [];
  await session.prefill(tokenIds, {
    onLogits: (logits, firstRow) => {
      if (firstRow !== rows.length) throw new Error(`logits of row ${firstRow} came after ${rows.length} rows`);
      rows.push(...rowsOf(logits, engine.model.vocabularySize));
    },
  });
  return rows;
}

/** The logits of all tokens, in a session of their own. */
export async function logitsOf(
  engine: Engine,
  tokenIds: ArrayLike<number>,
  { format = "q8", prefillChunk }: { format?: CacheFormat; prefillChunk?: number } = {},
): Promise<Float32Array[]> {
  const session = await engine.session({ plan: planWith(format), prefillChunk });
  const rows = await readLogits(engine, session, tokenIds);
  await session.dispose();
  return rows;
}

/** What a session writes from where it is. */
export async function textOf(session: Session, options: GenerateOptions): Promise<string> {
  let text = "";
  for await (const piece of session.generate(options)) text += piece.text;
  return text;
}
