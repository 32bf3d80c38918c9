/** longspan tokenize MODEL FILE: the token ids of a text exactly as it is in the file, for people or as JSON. */
import { Command } from "commander";
import { readBytes, readStream } from "../../documents/bytes.ts";
import { InputError } from "../../runtime/errors.ts";
import { standardInput } from "../documents.ts";
import { interruptible } from "../interrupt.ts";
import { findModel } from "../model.ts";
import { write } from "../output.ts";
import { formatCount } from "../statistics.ts";

const EXAMPLES = `
Special tokens are never parsed out of the text.

Examples:
  $ longspan tokenize smollm2-135m notes.txt
  $ echo "Hello" | longspan tokenize qwen2.5-coder-0.5b -
  $ longspan tokenize model.gguf prompt.txt --json > ids.json`;

/** Lines for people are written in batches, so that a long text does not become one string. */
const LINES_AT_ONCE = 4096;

export function tokenizeCommand(): Command {
  return new Command("tokenize")
    .description("print the token ids of a text")
    .argument("<model>", "catalogue name, GGUF file, or hf:owner/repo/file.gguf")
    .argument("<file>", "text file, or - for standard input")
    .option("--json", "print the ids as a JSON array")
    .addHelpText("after", EXAMPLES)
    .action(tokenize);
}

async function tokenize(model: string, path: string, options: { json?: true }): Promise<void> {
  const { signal } = interruptible();
  const text = await readText(path, signal);
  const { tokenizer } = await findModel(model, signal);
  const tokenIds = tokenizer.encode(text);
  if (options.json) return write(`[${tokenIds.join(",")}]\n`);

  for (let start = 0; start < tokenIds.length; start += LINES_AT_ONCE) {
    signal.throwIfAborted();
    const batch = Array.from(tokenIds.subarray(start, start + LINES_AT_ONCE));
    await write(batch.map((id) => `${String(id).padStart(7)}  ${JSON.stringify(tokenizer.decode([id]))}\n`).join(""));
  }
  process.stderr.write(`${formatCount(tokenIds.length)} tokens, ${formatCount(text.length)} characters\n`);
}

async function readText(path: string, signal: AbortSignal): Promise<string> {
  const bytes = path === "-" ? await readStream(standardInput(signal), signal) : await readBytes(path, signal);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new InputError(`${path}: expected UTF-8 text, got other bytes (${cause}). Convert it.`);
  }
}
