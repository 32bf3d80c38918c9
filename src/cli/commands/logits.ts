/** longspan logits MODEL --tokens ids.json --out FILE: what the model predicts after every token, for outside checks. */
import { Command } from "commander";
import { contextLengthOf } from "../../context/position/rotation.ts";
import { maxPrefillChunk } from "../../engine/types.ts";
import { readTokenIds, wholeNumber } from "../arguments.ts";
import { interruptible } from "../interrupt.ts";
import { LogitsFile } from "../logits-file.ts";
import { expectRoom, findModel, loadEngine } from "../model.ts";
import { type AutoComputeOptions, addAutoComputeOptions } from "../options.ts";
import { resolvePlan } from "../plan.ts";
import { progressBar } from "../progress.ts";
import { formatCount } from "../statistics.ts";

interface LogitsOptions extends AutoComputeOptions {
  tokens: string;
  out: string;
  chunk: number;
}

const EXAMPLES = `
FILE gets raw little-endian f32, [tokens, vocabulary]; row i holds the logits of
the token after token i. It appears under its name only when it is complete.

Examples:
  $ longspan tokenize smollm2-135m prose.txt --json > ids.json
  $ longspan logits smollm2-135m --tokens ids.json --out logits.f32 --plan '{"cache":{"format":"f32"}}'`;

export function logitsCommand(): Command {
  const command = new Command("logits")
    .description("write the logits of every token to a file")
    .argument("<model>", "catalogue name, GGUF file, or hf:owner/repo/file.gguf")
    .requiredOption("--tokens <file>", "JSON array of token ids")
    .requiredOption("-o, --out <file>", "where to write")
    .option("--chunk <n>", "tokens computed at once", wholeNumber("--chunk", 1, maxPrefillChunk), maxPrefillChunk);
  return addAutoComputeOptions(command).addHelpText("after", EXAMPLES).action(logits);
}

async function logits(model: string, options: LogitsOptions): Promise<void> {
  const { signal } = interruptible();
  const file = await findModel(model, signal);
  const tokenIds = readTokenIds(options.tokens, file.tokenizer.vocabularySize);
  const plan = resolvePlan(options.plan, file, { tokens: tokenIds.length });
  expectRoom("logits", {
    promptTokens: tokenIds.length,
    outputTokens: 0,
    contextLength: contextLengthOf(plan.position, file.contextLength),
  });

  const out = new LogitsFile(options.out);
  try {
    const engine = await loadEngine(file, { threads: options.threads, signal });
    try {
      const session = await engine.session({ plan, prefillChunk: options.chunk });
      const bar = progressBar(process.stderr, { label: "logits", total: tokenIds.length, unit: "tokens" });
      bar.update(0);
      await session.prefill(tokenIds, {
        signal,
        onLogits: (rows) => out.append(rows),
        onProgress: (done) => bar.update(done),
      });
      bar.finish();
      out.complete();
      process.stderr.write(
        `${options.out}: ${formatCount(tokenIds.length)} × ${formatCount(engine.model.vocabularySize)} f32\n`,
      );
    } finally {
      await engine.dispose();
    }
  } finally {
    out.discard();
  }
}
