/**
 * What carries a model beyond its trained length: every position method reads the same long text once. The perplexity of its last
 * tokens says whether the method still predicts; ten facts at ten depths, each asked for in a fork, whether it still finds.
 */
import { defaultPlan } from "../../context/plan.ts";
import { type PositionOptions, positionOptionsSchema } from "../../context/position/registry.ts";
import { contextLengthOf } from "../../context/position/rotation.ts";
import type { Engine, Session } from "../../engine/types.ts";
import { InputError } from "../../runtime/errors.ts";
import { hasChat } from "../../tokenizer/chat-template.ts";
import { readJson } from "../data.ts";
import { splitAtQuestion } from "../prompt.ts";
import { hide } from "../tasks/needle/place.ts";
import type { Haystack } from "../types.ts";

export const FACTS = 10;
/** Last tokens whose perplexity is taken: no fact stands among them. */
export const SCORED_TOKENS = 1024;

export interface PositionRow {
  readonly position: PositionOptions;
  readonly tokens: number;
  /** Absent where the method does not reach so far. */
  readonly measured?: {
    readonly perplexity: number;
    /** Of FACTS. */
    readonly found: number;
    /** By depth, from the beginning of the text. */
    readonly foundAt: readonly boolean[];
    readonly seconds: number;
  };
}

export interface PositionsOptions {
  readonly haystack: Haystack;
  readonly lengths: readonly number[];
  /** Default: methodsFor() of each length. */
  readonly methods?: readonly PositionOptions[];
  readonly signal?: AbortSignal;
  /** Tokens read, of those of all methods and lengths. */
  onProgress?(done: number, total: number): void;
}

/** Every method, set for a text of so many tokens. Re-indexed ones need no factor; ropes' scaling takes the smallest whole one. */
export function methodsFor(trained: number, tokens: number): PositionOptions[] {
  const factor = Math.max(2, Math.ceil(tokens / trained));
  const group = Math.max(2, 2 ** Math.ceil(Math.log2((tokens - 1024) / (trained - 1024))));
  return [
    { method: "rope" },
    { method: "linear", factor },
    { method: "ntk", factor },
    { method: "dynamic-ntk", factor, length: tokens + 64 },
    { method: "yarn", factor },
    { method: "llama3", factor },
    { method: "string" },
    { method: "dca" },
    { method: "dca", logN: true },
    { method: "self-extend", group },
    { method: "rerope" },
    { method: "rerope", leak: 1 / 16 },
    { method: "sink-window" },
    { method: "infllm" },
  ].map((options) => positionOptionsSchema.parse(options));
}

export async function comparePositions(engine: Engine, options: PositionsOptions): Promise<PositionRow[]> {
  const { lengths, methods, signal, onProgress, haystack } = options;
  const trained = engine.model.contextLength;
  const wanted = lengths.flatMap((tokens) =>
    (methods ?? methodsFor(trained, tokens)).map((position) => ({ position, tokens })),
  );
  const isReached = ({ position, tokens }: { position: PositionOptions; tokens: number }) =>
    contextLengthOf(position, trained) >= tokens;
  const total = wanted.filter(isReached).reduce((sum, { tokens }) => sum + tokens, 0);
  let before = 0;
  const rows: PositionRow[] = [];
  for (const { position, tokens } of wanted) {
    if (!isReached({ position, tokens })) {
      rows.push({ position, tokens });
      continue;
    }
    const text = textWithFacts(engine, haystack, tokens);
    const onRead = (done: number) => onProgress?.(before + done, total);
    rows.push({ position, tokens, measured: await measure(engine, position, text, { signal, onProgress: onRead }) });
    before += tokens;
  }
  return rows;
}

interface Fact {
  readonly needle: string;
  readonly question: string;
  readonly answerPrefix: string;
  /** What a right answer has in it. */
  readonly answer: string;
}

interface FactsFile {
  readonly facts: readonly Fact[];
  readonly system: string;
}

interface Asked {
  readonly restIds: Int32Array;
  readonly answer: string;
}

interface TextWithFacts {
  readonly contextIds: Int32Array;
  readonly asked: readonly Asked[];
}

/** A prompt of at most `tokens` with its facts before the last SCORED_TOKENS; depths are the middles of ten equal parts. */
export function textWithFacts(engine: Engine, haystack: Haystack, tokens: number): TextWithFacts {
  const { facts, system } = readJson<FactsFile>("facts.json");
  const share = (tokens - SCORED_TOKENS - 200) / tokens;
  const needles = facts.map((each, i) => ({ text: each.needle, depth: ((i + 0.5) / facts.length) * share }));
  const mode = hasChat(engine.tokenizer) ? "chat+prefill" : "raw";
  const partsOf = (words: number, { question, answerPrefix }: Fact) => ({
    system,
    context: hide(haystack.words(words), needles, "\n").text,
    question: `\n\n${question}`,
    answerPrefix,
  });
  const lengthOf = (words: number) => {
    const { contextIds, restIds } = splitAtQuestion(engine.tokenizer, partsOf(words, facts[0]), mode);
    return contextIds.length + restIds.length;
  };
  let words = Math.floor(tokens * 0.7);
  while (lengthOf(words) > tokens - 32) words -= Math.max(1, Math.ceil((lengthOf(words) - tokens + 32) * 0.6));
  for (let room = tokens - 32 - lengthOf(words); room > 20; room = tokens - 32 - lengthOf(words))
    words += Math.max(1, Math.floor(room * 0.5));
  const prompts = facts.map((each) => splitAtQuestion(engine.tokenizer, partsOf(words, each), mode));
  const [{ contextIds }] = prompts;
  if (contextIds.length < 2 * SCORED_TOKENS)
    throw new InputError(
      `positions: expected at least ${2 * SCORED_TOKENS} tokens of text, got ${contextIds.length}. Give greater --lengths.`,
    );
  return { contextIds, asked: prompts.map(({ restIds }, i) => ({ restIds, answer: facts[i].answer })) };
}

async function measure(
  engine: Engine,
  position: PositionOptions,
  { contextIds, asked }: TextWithFacts,
  { signal, onProgress }: { signal?: AbortSignal; onProgress(done: number): void },
): Promise<NonNullable<PositionRow["measured"]>> {
  const session = await engine.session({ plan: { ...defaultPlan, position } });
  const start = performance.now();
  try {
    const before = contextIds.length - SCORED_TOKENS;
    await session.prefill(contextIds.subarray(0, before), { signal, onProgress });
    const perplexity = await perplexityOf(session, contextIds.subarray(before), signal);
    const seconds = (performance.now() - start) / 1000;
    const foundAt: boolean[] = [];
    for (const { restIds, answer } of asked) foundAt.push(await finds(session, restIds, answer, signal));
    onProgress(contextIds.length);
    return { perplexity, found: foundAt.filter(Boolean).length, foundAt, seconds };
  } finally {
    await session.dispose();
  }
}

async function perplexityOf(session: Session, tokenIds: Int32Array, signal?: AbortSignal): Promise<number> {
  const targets = Int32Array.from(tokenIds, (_, i) => (i + 1 < tokenIds.length ? tokenIds[i + 1] : -1));
  let sum = 0;
  let count = 0;
  const onLogProbs = (logProbs: Float64Array) => {
    for (const logProb of logProbs)
      if (!Number.isNaN(logProb)) {
        sum -= logProb;
        count++;
      }
  };
  await session.prefill(tokenIds, { signal, targets, onLogProbs });
  return Math.exp(sum / count);
}

async function finds(from: Session, restIds: Int32Array, answer: string, signal?: AbortSignal): Promise<boolean> {
  const session = await from.fork();
  try {
    await session.prefill(restIds, { signal });
    let text = "";
    for await (const token of session.generate({ maxTokens: 16, signal })) text += token.text;
    return text.includes(answer);
  } finally {
    await session.dispose();
  }
}
