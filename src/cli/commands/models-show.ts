/** longspan models show NAME: what a model's header says, and how far its positions are predicted to carry. */
import { Command } from "commander";
import { beyondTrained } from "../../context/auto.ts";
import { criticalDimension, predictedContext } from "../../context/position/critical-dimension.ts";
import { asTrained } from "../../context/position/rope.ts";
import { kvBytesPerToken, readModelHeader } from "../../engine/plan-facts.ts";
import type { RopeScaling } from "../../formats/rope-scaling.ts";
import { defaultModel } from "../../hub/catalogue.ts";
import { parseReference } from "../../hub/reference.ts";
import { isOnThisMachine } from "../../hub/resolve.ts";
import type { ModelConfig } from "../../model/config.ts";
import { weightBytes } from "../../model/weights.ts";
import { nodeHost } from "../../platform/node.ts";
import { InputError } from "../../runtime/errors.ts";
import { write } from "../output.ts";
import { formatBytes, formatCount } from "../statistics.ts";

export function modelsShowCommand(): Command {
  return new Command("show")
    .description("print what a model's file says of it, and how far its positions carry")
    .argument("<name>", "name, GGUF file, or hf:owner/repository/file.gguf; on this machine")
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      `\nExamples:\n  $ longspan models show ${defaultModel}\n  $ longspan models show model.gguf --json`,
    )
    .action(show);
}

async function show(name: string, { json }: { json?: true }): Promise<void> {
  const reference = parseReference(name);
  if (!(await isOnThisMachine(reference)))
    throw new InputError(`model "${name}": not on this machine. Get it with: longspan models pull ${name}`);
  const { gguf, config, fileBytes } = readModelHeader(nodeHost, reference.path);
  const facts = { ...factsOf(config), weightBytes: weightBytes(gguf), fileBytes };
  const named = { name, path: reference.path, ...facts };
  await write(json ? `${JSON.stringify(named)}\n` : `${textOf(facts)}\n`);
}

export type ModelFacts = ReturnType<typeof factsOf> & { readonly weightBytes: number; readonly fileBytes: number };

/** Of a model with windows everywhere, rope is that of its layers; the others tell of their full-attention layers. */
export function factsOf(config: ModelConfig) {
  const { name: title, architecture, numLayers, numHeads, numKvHeads, headDim, contextLength, rotary, layers } = config;
  const full = layers.find(({ window }) => window === 0) ?? layers[0];
  const local = layers.filter(({ window }) => window > 0);
  const { inverse } = asTrained({ ...full.rope, rotary, contextLength });
  const critical = criticalDimension(inverse, contextLength);
  const hasScaling = full.rope.scaling !== undefined;
  return {
    ...{ title, architecture, numLayers, numHeads, numKvHeads, headDim, contextLength },
    rope: { base: full.rope.base, dimensions: rotary, scaling: full.rope.scaling },
    ...(local.length > 0 && {
      windows: { layers: local.length, tokens: local[0].window, ropeBase: local[0].rope.base },
    }),
    kvBytesPerToken: kvBytesPerToken(config),
    criticalDimension: critical,
    predictedContext: predictedContext(inverse, critical),
    beyond: beyondTrained({ trainedContext: contextLength, hasScaling }),
  };
}

export function textOf(facts: ModelFacts): string {
  const { numLayers, numHeads, numKvHeads, headDim, windows, kvBytesPerToken: kv, rope } = facts;
  const { base, dimensions, scaling } = rope;
  const windowText = windows
    ? `${numLayers - windows.layers} with full attention, ${windows.layers} with a sliding window of ${formatCount(windows.tokens)} tokens (rope base ${formatCount(windows.ropeBase)})`
    : "all with full attention";
  const context = facts.predictedContext;
  const rows = [
    ["model", facts.title],
    ["architecture", facts.architecture],
    ["layers", `${numLayers}, ${windowText}`],
    ["heads", `${numHeads} of ${headDim} dimensions, ${numKvHeads} KV ${numKvHeads === 1 ? "head" : "heads"}`],
    ["trained context", `${formatCount(facts.contextLength)} tokens`],
    ["rope", `base ${formatCount(base)}, ${dimensions} dimensions turn, ${scalingText(scaling)}`],
    ["weights", `${formatBytes(facts.weightBytes)} in memory, ${formatBytes(facts.fileBytes)} as a file`],
    ["KV cache", `${formatCount(Math.round(kv.q8))} bytes a token in q8 pages, ${formatCount(kv.f32)} in f32 pages`],
    ["critical dimension", `${facts.criticalDimension} of ${dimensions} saw a whole turn in training`],
    [
      "usable context",
      context === undefined
        ? "no bound predicted: every dimension turned"
        : `${formatCount(context)} tokens predicted without scaling`,
    ],
  ];
  const width = Math.max(...rows.map(([label]) => label.length));
  return [...rows.map(([label, value]) => `${label.padEnd(width)}  ${value}`), "", facts.beyond].join("\n");
}

function scalingText(scaling: RopeScaling | undefined): string {
  switch (scaling?.type) {
    case undefined:
      return "no scaling";
    case "linear":
      return `linear scaling by ${scaling.factor} in the file`;
    case "yarn":
      return `yarn scaling by ${scaling.factor} of ${formatCount(scaling.originalLength)} tokens in the file`;
    case "divisors":
      return "frequencies divided by a list in the file (llama3 or longrope)";
  }
}
