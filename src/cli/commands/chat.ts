/** longspan chat [FILES…]: documents are read once, then questions come one after the other in one session. */
import { Command } from "commander";
import type { Plan } from "../../context/plan.ts";
import { contextLengthOf } from "../../context/position/rotation.ts";
import { readingPlan, selects } from "../../context/reading-plan.ts";
import type { BlockStore, Engine, Session } from "../../engine/types.ts";
import { CapacityError, InputError } from "../../runtime/errors.ts";
import { readPrompt, writeAnswer } from "../answer.ts";
import { addContextCacheOption, type ContextCacheOptions, openContextCache } from "../context-cache.ts";
import { Conversation } from "../conversation.ts";
import { documentsOf } from "../documents.ts";
import { describe } from "../failure.ts";
import { Interrupted, interruptible } from "../interrupt.ts";
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
import { renderPrompt, stopsOf } from "../prompt.ts";
import { addForcePlanOption, type ForcePlanOptions, PromptPlans } from "../prompt-plans.ts";
import { type Question, questions } from "../questions.ts";
import { peakBytes, statisticsLine } from "../statistics.ts";

interface ChatOptions extends AutoComputeOptions, SamplingOptions, ContextCacheOptions, ForcePlanOptions {
  model: string;
}

type TalkOptions = SamplingOptions & {
  readonly plan: Plan;
  readonly plans: PromptPlans;
  readonly store?: BlockStore;
};

const EXAMPLES = `
Questions are typed, or come one a line from a pipe. /help lists what else can be
typed. Ctrl-C stops an answer; a second one leaves.

Examples:
  $ longspan chat contract.pdf
  $ longspan chat all-contracts/ --plan auto
  $ longspan chat src/ --model qwen2.5-coder-1.5b --max-tokens 1000
  $ printf 'Who speaks first?\\nWho replies?\\n' | longspan chat play.txt`;

export function chatCommand(): Command {
  const command = new Command("chat")
    .description("ask one question after the other about documents that are read once")
    .argument("[files...]", "files, folders or globs to talk about");
  addContextCacheOption(addSamplingOptions(addForcePlanOption(addAutoComputeOptions(addModelOption(command)))));
  return command.addHelpText("after", EXAMPLES).action(chat);
}

async function chat(paths: string[], options: ChatOptions): Promise<void> {
  if (paths.includes("-"))
    throw new InputError(
      'chat: expected files, got "-": standard input brings the questions. Save the text to a file.',
    );
  const { signal, release } = interruptible();
  const document = paths.length > 0 ? (await documentsOf(paths, signal)).text : "";
  const file = await findModel(options.model, signal);
  // A document that leaves no room for an answer is refused before the weights are read.
  const shortest = renderPrompt(file.tokenizer, document, [{ question: "" }]);
  const tokens = conversationTokens(shortest.length + options.maxTokens, file.contextLength);
  const plans = new PromptPlans(file, options);
  // One session holds the whole conversation, and its documents are nearly all that is read at once.
  const plan = plans.planFor(resolvePlan(options.plan, file, { tokens }), shortest.length);
  const contextLength = contextLengthOf(plan.position, file.contextLength);
  expectRoom("chat", { promptTokens: shortest.length, outputTokens: 1, contextLength });

  const engine = await loadEngine(file, { threads: options.threads, signal });
  try {
    signal.throwIfAborted();
    // From here on Ctrl-C stops answers, not the command (questions.ts).
    release();
    const store = openContextCache(options);
    const talk = new Talk(engine, document, contextLength, { ...options, plan, plans, store });
    try {
      for await (const question of questions()) await talk.reply(question);
    } finally {
      await talk.end();
    }
  } finally {
    await engine.dispose();
  }
}

/** What a conversation may grow to under the plan "auto": the least multiple of the trained context that holds one answer. */
function conversationTokens(firstAnswer: number, trainedContext: number): number {
  return Math.ceil(firstAnswer / trainedContext) * trainedContext;
}

class Talk {
  private readonly engine: Engine;
  private readonly contextLength: number;
  private readonly options: TalkOptions;
  private readonly conversation: Conversation;
  private session: Session | undefined;
  /** What the session was given and has written, and its last prompt's tokens if the plan selected by the question at their end. */
  private held: number[] = [];
  private selectedTokens = 0;

  constructor(engine: Engine, document: string, contextLength: number, options: TalkOptions) {
    this.engine = engine;
    this.contextLength = contextLength;
    this.options = options;
    this.conversation = new Conversation(engine.tokenizer, document);
  }

  /** One question and its answer. What does not fit is said, and the conversation goes on without it. */
  async reply({ text, signal, isTyped }: Question): Promise<void> {
    try {
      await this.answer(text, signal);
    } catch (error) {
      if (error instanceof Interrupted) process.stderr.write("stopped\n");
      else if (error instanceof CapacityError && isTyped) process.stderr.write(describe(error.message));
      else throw error;
    }
  }

  private async answer(question: string, signal: AbortSignal): Promise<void> {
    const turn = this.conversation.ask(question);
    const session = await this.sessionFor(turn.restart);
    const { before, tokenIds } = await this.toRead(session, turn.tokenIds);
    let reading: Awaited<ReturnType<typeof readPrompt>>;
    try {
      const promptTokens = before + tokenIds.length;
      expectRoom("chat", { promptTokens, outputTokens: this.options.maxTokens, contextLength: this.contextLength });
      reading = await readPrompt(session, tokenIds, signal);
    } catch (error) {
      // Of a prompt whose end selects, nothing is held before that was read.
      if (before === 0 && selects(session.plan, tokenIds.length)) await session.truncate(0);
      const read = this.selectedTokens > 0 ? 0 : session.length - before;
      this.conversation.withdraw(turn.tokenIds.length - read);
      throw error;
    }
    this.hasRead(session.plan, turn.tokenIds);
    this.options.plans.remember(session.plan, reading.chunks ?? []);

    const generation = { ...samplingOf(this.options), stop: stopsOf(this.engine.tokenizer), signal };
    const answer = await writeAnswer(session, generation, write);
    await write("\n");
    this.conversation.answered(answer.text, answer.tokenIds);
    this.held.push(...answer.tokenIds);
    signal.throwIfAborted();
    const statistics = {
      promptTokens: before + reading.promptTokens,
      cachedTokens: before + reading.cachedTokens,
      outputTokens: answer.tokenIds.length,
      prefillSeconds: reading.prefillSeconds,
      decodeSeconds: answer.decodeSeconds,
      ...(answer.speculation && { speculation: answer.speculation }),
      peakBytes: peakBytes(),
    };
    process.stderr.write(`${statisticsLine(statistics)}\n`);
  }

  /** What of a turn, and of those before it, the session has to read: where the last question has selected, the new one does so anew. */
  private async toRead(session: Session, turn: Int32Array): Promise<{ before: number; tokenIds: Int32Array }> {
    if (this.selectedTokens === 0) return { before: session.length, tokenIds: turn };
    const before = await session.truncate(this.selectedTokens - 1);
    return { before, tokenIds: Int32Array.from([...this.held.slice(before), ...turn]) };
  }

  private hasRead(plan: Plan, turn: Int32Array): void {
    const { continues, dropsAfter } = readingPlan(plan);
    const isFirst = this.held.length === 0;
    for (const id of turn) this.held.push(id);
    if (continues && !dropsAfter && (isFirst || this.selectedTokens > 0))
      this.selectedTokens = selects(plan, this.held.length) ? this.held.length : 0;
  }

  async end(): Promise<void> {
    await this.session?.dispose();
  }

  private async sessionFor(restart: boolean): Promise<Session> {
    if (restart && this.session) {
      process.stderr.write("The model's template rewrote the conversation: reading all of it again.\n");
      await this.session.dispose();
      this.session = undefined;
      this.held = [];
      this.selectedTokens = 0;
    }
    const { plan, store } = this.options;
    this.session ??= await this.engine.session({ plan, store });
    return this.session;
  }
}
