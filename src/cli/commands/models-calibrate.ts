/** longspan models calibrate NAME: measures a model once, for plans that sort heads or use stored statistics. */
import { Command } from "commander";
import { calibrate } from "../../engine/calibrate.ts";
import { loadEngine } from "../../engine/load.ts";
import { haystackWindows } from "../../eval/haystack-windows.ts";
import { storeCalibration } from "../../hub/calibrations.ts";
import { defaultModel } from "../../hub/catalogue.ts";
import { nodeHost } from "../../platform/node.ts";
import { threadCount, wholeNumber } from "../arguments.ts";
import { interruptible } from "../interrupt.ts";
import { expectRoom, findModel } from "../model.ts";
import { write } from "../output.ts";
import { progressBar } from "../progress.ts";
import { formatCount, formatTable } from "../statistics.ts";

interface CalibrateOptions {
  texts: number;
  tokens: number;
  threads?: number;
  json?: true;
}

const HELP = `
Reads pieces of two public domain books and stores how far back each KV head looks
and how queries are distributed: what the allocation head-class and the score
expected-attention with "mode": "stored" need. Once for each model file; a later
calibration takes the place of an earlier one.

Examples:
  $ longspan models calibrate ${defaultModel}
  $ longspan models calibrate model.gguf --texts 20 --json`;

export function modelsCalibrateCommand(): Command {
  return new Command("calibrate")
    .description("measure a model's heads, for plans that need it")
    .argument("<name>", "name, GGUF file, or hf:owner/repository/file.gguf")
    .option("--texts <n>", "pieces of text that are read", wholeNumber("--texts", 1), 50)
    .option("--tokens <n>", "tokens of each", wholeNumber("--tokens", 16), 500)
    .option("-t, --threads <n>", "threads that compute (default: the cores this process may use)", threadCount)
    .option("--json", "print one JSON object")
    .addHelpText("after", HELP)
    .action(calibrateModel);
}

async function calibrateModel(name: string, { texts, tokens, threads, json }: CalibrateOptions): Promise<void> {
  const { signal } = interruptible();
  const { path: model, tokenizer, contextLength } = await findModel(name, signal);
  expectRoom("models calibrate", { promptTokens: tokens, outputTokens: 0, contextLength });
  const windows = haystackWindows(tokenizer, texts, tokens);
  // Not by load(): a stored calibration that cannot be read must not be in the way of a new one.
  const engine = await loadEngine(nodeHost, model, { threads, signal });
  const bar = progressBar(process.stderr, { label: "calibrating", total: texts * tokens, unit: "tokens" });
  try {
    const calibration = await calibrate(engine, windows, { signal, onProgress: (done) => bar.update(done) });
    const path = storeCalibration(model, calibration);
    const { numLayers, numKvHeads } = calibration;
    const scores = Array.from(calibration.retrieval);
    const retrieval = Array.from({ length: numLayers }, (_, layer) =>
      scores.slice(layer * numKvHeads, (layer + 1) * numKvHeads),
    );
    bar.finish();
    if (json) await write(`${JSON.stringify({ name, path, texts, tokens, retrieval })}\n`);
    else await write(`${tableOf(retrieval)}\n\n${stored(name, texts, tokens, path)}\n`);
  } finally {
    await engine.dispose();
  }
}

/** Layers with a sliding window were not measured. */
function tableOf(retrieval: readonly (readonly number[])[]): string {
  const rows = retrieval.flatMap((scores, layer) =>
    scores.some((score) => score > 0) ? [[String(layer), scores.map((score) => score.toFixed(2)).join(" ")]] : [],
  );
  return formatTable(
    { layer: "right", "how far back each KV head looks, from 0 (near) to 1 (the beginning)": "left" },
    rows,
  );
}

function stored(name: string, texts: number, tokens: number, path: string): string {
  return `Calibrated ${name} with ${formatCount(texts)} texts of ${formatCount(tokens)} tokens: ${path}`;
}
