/** longspan eval samples TASK: the samples themselves, as JSON lines that any other harness, or `eval file`, can read. */
import { Command, Option } from "commander";
import { openHaystack } from "../../../eval/haystack.ts";
import { counterOf } from "../../../eval/prompt.ts";
import { createCell, samplesOf } from "../../../eval/run/samples.ts";
import { findTasks } from "../../../eval/tasks/registry.ts";
import { type PromptMode, promptModes } from "../../../eval/types.ts";
import { hasChat } from "../../../tokenizer/chat-template.ts";
import { wholeNumber } from "../../arguments.ts";
import { interruptible } from "../../interrupt.ts";
import { findModel } from "../../model.ts";
import { addModelOption } from "../../options.ts";
import { write } from "../../output.ts";
import { addSourceOptions, lengthsArgument, type SourceOptions } from "./options.ts";

interface SamplesOptions extends SourceOptions {
  model: string;
  mode?: PromptMode;
  lengths: number[];
  samples: number;
}

export function samplesCommand(): Command {
  const command = new Command("samples")
    .description("print samples as JSON lines of {input, answer_prefix, outputs, …}, without running a model")
    .argument("<tasks...>", "task ids or families");
  return addSourceOptions(addModelOption(command))
    .addOption(new Option("--mode <mode>", "whose markup counts into the length").choices(promptModes))
    .option("-l, --lengths <n,n,…>", "tokens of prompt and answer together: 4096 or 4k", lengthsArgument, [4096])
    .option("-s, --samples <n>", "samples of each task at each length", wholeNumber("--samples", 1), 5)
    .addHelpText(
      "after",
      `
Examples:
  $ longspan eval samples vt --lengths 4k --samples 1
  $ longspan eval samples ruler --model smollm2-135m > samples.jsonl && longspan eval file samples.jsonl`,
    )
    .action(print);
}

async function print(names: string[], options: SamplesOptions): Promise<void> {
  const { signal } = interruptible();
  const tasks = findTasks(names, options.data);
  const { tokenizer } = await findModel(options.model, signal);
  const mode = options.mode ?? (hasChat(tokenizer) ? "chat+prefill" : "raw");
  const counter = counterOf(tokenizer, mode);
  const source = { seed: options.seed, haystack: await openHaystack(options.haystack), files: options.data };
  for (const task of tasks)
    for (const length of options.lengths) {
      const sampleAt = samplesOf(task, createCell(counter, task, length, options.samples, source));
      for (let index = 0; index < options.samples; index++) {
        const { parts, references, maxTokens, depth, promptTokens } = sampleAt(index);
        const { context, question, answerPrefix } = parts;
        await write(
          `${JSON.stringify({ task: task.id, length, index, input: context + question, answer_prefix: answerPrefix, outputs: references, max_tokens: maxTokens, prompt_tokens: promptTokens, depth })}\n`,
        );
        signal.throwIfAborted();
      }
    }
}
