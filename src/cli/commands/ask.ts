/** longspan ask PATHS… "question": one answer from documents, streamed to stdout; everything else goes to stderr. */
import { Command, Option } from "commander";
import { contextLengthOf } from "../../context/position/rotation.ts";
import { attendedPassages } from "../../engine/attended-passages.ts";
import type { Session } from "../../engine/types.ts";
import { InputError } from "../../runtime/errors.ts";
import { readPrompt, writeAnswer } from "../answer.ts";
import { wholeNumber } from "../arguments.ts";
import { citationsOf, citationsText } from "../citations.ts";
import { addContextCacheOption, type ContextCacheOptions, openContextCache } from "../context-cache.ts";
import { documentsOf } from "../documents.ts";
import { interruptible } from "../interrupt.ts";
import { readLinked } from "../linked-prompt.ts";
import { expectRoom, findModel, loadEngine } from "../model.ts";
import {
  type AutoComputeOptions,
  addAutoComputeOptions,
  addModelOption,
  addSamplingOptions,
  type SamplingOptions,
  samplingOf,
} from "../options.ts";
import { write } from "../output.ts";
import { resolvePlan } from "../plan.ts";
import { placeOfDocument, renderPrompt, renderSeparately, type SeparatePrompt, stopsOf } from "../prompt.ts";
import { addForcePlanOption, type ForcePlanOptions, PromptPlans } from "../prompt-plans.ts";
import { peakBytes, statisticsLine } from "../statistics.ts";

interface AskOptions extends AutoComputeOptions, SamplingOptions, ContextCacheOptions, ForcePlanOptions {
  model: string;
  reuse: "exact" | "epic";
  /** Passages to show. */
  trace?: number;
  json?: true;
}

const EXAMPLES = `
PATHS are files (text, Markdown, HTML, PDF, DOCX, EPUB), folders, globs, or -
for standard input. The last argument is the question.

What was read is kept (longspan cache), also if Ctrl-C ends the reading: the next
question about the same documents begins where they end.

--reuse epic keeps every file by itself, and puts files together in any order and
choice: what a file says is then read without knowing the files before it. Good
for facts in many files, not for what only several files together say.

A plan with sparse attention reads prompts with full attention that it would be
no faster with; from what length on it is, long readings measure (docs/PLANS.md).

--trace shows where the answer comes from: the passages that the model looked at
most while it wrote, each with its share of that, as file and lines. Lines of
PDF, DOCX, EPUB and HTML are those of the text taken out of them.

Examples:
  $ longspan ask book.epub "Who is the landlord of the inn?"
  $ longspan ask src/ README.md "Where are options parsed?" --model qwen2.5-coder-1.5b
  $ git log -p | longspan ask - "What changed in the parser?" --max-tokens 200
  $ longspan ask contract.pdf "When can it be ended?" --trace
  $ longspan ask long-book.txt "Who speaks last?" --plan auto
  $ longspan ask may.md june.md july.md "When was the roof repaired?" --reuse epic
  $ longspan ask july.md may.md "And who paid for it?" --reuse epic
  $ longspan ask book.txt "Name the ship." --json --plan '{"cache":{"format":"f32"}}'`;

export function askCommand(): Command {
  const command = new Command("ask")
    .description("answer a question about documents")
    .argument("<paths and question...>", "what to read, and the question as the last argument")
    .usage('PATHS… "question" [options]');
  addContextCacheOption(addSamplingOptions(addForcePlanOption(addAutoComputeOptions(addModelOption(command)))));
  return command
    .addOption(
      new Option("--trace [n]", "show the n passages that the answer comes from")
        .argParser(wholeNumber("--trace", 1))
        .preset("3"),
    )
    .addOption(
      new Option("--reuse <how>", "what is reused: texts that begin alike (exact), or single files (epic)")
        .choices(["exact", "epic"])
        .default("exact"),
    )
    .option("--json", "print one JSON object instead of streaming the answer")
    .addHelpText("after", EXAMPLES)
    .action(ask);
}

async function ask(inputs: string[], options: AskOptions): Promise<void> {
  const paths = inputs.slice(0, -1);
  const question = inputs.at(-1)!.trim();
  if (paths.length === 0 || question === "")
    throw new InputError(
      `ask: expected paths and then a question, got ${paths.length === 0 ? `only "${question}"` : "an empty question"}. Write: longspan ask FILE "question".`,
    );
  const { signal } = interruptible();
  const named = await documentsOf(paths, signal);
  const file = await findModel(options.model, signal);
  const separate = options.reuse === "epic" ? renderSeparately(file.tokenizer, named.parts, question) : undefined;
  const documents = { ...named, ...(separate && { text: separate.text, starts: separate.starts }) };
  const tokenIds = separate?.tokenIds ?? renderPrompt(file.tokenizer, documents.text, [{ question }]);
  const place =
    options.trace === undefined ? undefined : placeOfDocument(file.tokenizer, tokenIds, documents.text, question);
  const asked = resolvePlan(options.plan, file, {
    tokens: tokenIds.length + options.maxTokens,
    quiet: options.json ?? false,
  });
  const plans = new PromptPlans(file, options);
  const plan = plans.planFor(asked, separate ? longestReading(separate) : tokenIds.length);
  expectRoom("ask", {
    promptTokens: tokenIds.length,
    outputTokens: options.maxTokens,
    contextLength: contextLengthOf(plan.position, file.contextLength),
  });

  const engine = await loadEngine(file, { threads: options.threads, signal });
  let session: Session | undefined;
  try {
    const store = openContextCache(options);
    const wanted = { plan, trace: place !== undefined, store };
    const linked = separate && (await readLinked(engine, separate, { ...wanted, signal }));
    session = linked?.session ?? (await engine.session(wanted));
    const reading = linked ?? (await readPrompt(session, tokenIds, signal));
    const { promptTokens, cachedTokens, prefillSeconds, chunks = [] } = reading;
    plans.remember(plan, chunks);
    const generation = { ...samplingOf(options), stop: stopsOf(file.tokenizer), signal };
    const answer = await writeAnswer(session, generation, options.json ? () => {} : write);
    if (!options.json) await write("\n");
    signal.throwIfAborted();
    const passages = place && attendedPassages(await session.trace(), { ...place, count: options.trace });
    const trace = place && passages && citationsOf(documents, place, passages);
    if (trace && !options.json) await write(`\n${citationsText(trace, lineWidth())}\n`);

    const statistics = {
      promptTokens,
      cachedTokens,
      outputTokens: answer.tokenIds.length,
      prefillSeconds,
      decodeSeconds: answer.decodeSeconds,
      ...(answer.speculation && { speculation: answer.speculation }),
      peakBytes: peakBytes(),
    };
    process.stderr.write(`${statisticsLine(statistics)}\n`);
    if (options.json)
      await write(
        `${JSON.stringify({ answer: answer.text.trim(), ...(trace && { trace }), ...statistics, plan: session.plan })}\n`,
      );
  } finally {
    // What was read is kept, also if it was broken off.
    await session?.dispose();
    await engine.dispose();
  }
}

/** Tokens of the longest file, which is read by itself. */
function longestReading({ head, documents }: SeparatePrompt): number {
  return head.length + Math.max(...documents.map(({ length }) => length));
}

/** Lines of prose: no wider than a terminal, and not much wider than the eye likes. */
function lineWidth(): number {
  return Math.min(100, process.stdout.columns || 100);
}
