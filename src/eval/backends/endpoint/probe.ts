/** What a server can do, found out with requests of a few tokens: what servers say about themselves differs too much. */
import { InputError } from "../../../runtime/errors.ts";
import { type Client, Exhausted, Refusal } from "./client.ts";
import {
  type Completion,
  completionBody,
  echoBody,
  type LimitName,
  type LogProbabilities,
  type Prompt,
  paths,
  readCompletion,
  readEcho,
  readTokenCount,
} from "./protocol.ts";

export interface Capabilities {
  readonly completions: boolean;
  readonly chat: boolean;
  /** A conversation that ends within the assistant's turn is continued there. */
  readonly continuesAnswer: boolean;
  /** Log probabilities of the prompt: perplexity can be measured. */
  readonly echoLogProbs: boolean;
  /** Answers say how many tokens the server read. */
  readonly usage: boolean;
  /** Answers say how many of them were in the server's cache. */
  readonly cachedTokens: boolean;
  /** Whose form of POST /tokenize the server has. */
  readonly tokenize?: "llama.cpp" | "vllm";
  /** Tokens of prompt and answer together. */
  readonly contextLength?: number;
  /** The parameter that limits an answer. */
  readonly limitName: LimitName;
}

export interface Probe {
  readonly model: string;
  readonly capabilities: Capabilities;
}

const fiveWords = "one two three four five";
const statusesOfAbsence = new Set([400, 404, 405, 422, 501]);

export async function probe(client: Client, givenModel: string | undefined): Promise<Probe> {
  const listed = await unlessAbsent(client.ask(paths.models, undefined, readModels));
  const entry = givenModel === undefined ? listed?.[0] : listed?.find(({ id }) => id === givenModel);
  const model = givenModel ?? entry?.id;
  if (model === undefined)
    throw new InputError("endpoint: expected a list of models at /v1/models, got none. Pass --endpoint-model NAME.");
  const refusals: Refusal[] = [];
  const note = (refusal: Refusal) => refusals.push(refusal);
  const [completion, chat, tokenize, slotLength] = await Promise.all([
    probeCompletions(client, model, note),
    probeChat(client, model, note),
    probeTokenize(client, model),
    unlessAbsent(client.ask(paths.props, undefined, readProps)),
  ]);
  if (completion === undefined && chat === undefined) throw refusals[0];
  const answers = [completion, chat].filter((answer) => answer !== undefined);
  return {
    model,
    capabilities: {
      completions: completion !== undefined,
      chat: chat !== undefined,
      continuesAnswer: chat?.continuesAnswer ?? false,
      echoLogProbs: completion?.echo !== undefined,
      usage: answers.every(({ promptTokens }) => promptTokens !== undefined),
      cachedTokens: answers.some(({ cachedTokens }) => cachedTokens !== undefined),
      tokenize,
      // llama.cpp divides its context between slots; /props has the share of one, /v1/models may have the whole.
      contextLength: slotLength ?? entry?.contextLength,
      limitName: chat?.limitName ?? "max_tokens",
    },
  };
}

/** What is said of a request that the server has no use for is undefined; other errors are errors. */
async function unlessAbsent<T>(
  asked: Promise<{ value: T }>,
  note: (refusal: Refusal) => void = () => {},
): Promise<T | undefined> {
  try {
    return (await asked).value;
  } catch (error) {
    if (error instanceof Refusal && statusesOfAbsence.has(error.status)) {
      note(error);
      return undefined;
    }
    // Servers that fail over what they do not know.
    if (error instanceof Exhausted && error.status === 500) return undefined;
    throw error;
  }
}

async function probeCompletions(
  client: Client,
  model: string,
  note: (refusal: Refusal) => void,
): Promise<(Completion & { echo?: LogProbabilities }) | undefined> {
  const readBoth = (json: unknown) => ({ ...readCompletion(json), echo: readEcho(json) });
  const echoed = await unlessAbsent(client.ask(paths.completions, echoBody(model, fiveWords), readBoth));
  if (echoed) return echoed;
  const body = completionBody({
    model,
    prompt: { kind: "text", text: fiveWords },
    maxTokens: 1,
    limitName: "max_tokens",
  });
  return unlessAbsent(client.ask(paths.completions, body, readCompletion), note);
}

async function probeChat(
  client: Client,
  model: string,
  note: (refusal: Refusal) => void,
): Promise<(Completion & Pick<Capabilities, "continuesAnswer" | "limitName">) | undefined> {
  const messages = [{ role: "user", content: fiveWords }];
  const ask = (prompt: Prompt, limitName: LimitName, report: typeof note) =>
    unlessAbsent(
      client.ask(paths.chat, completionBody({ model, prompt, maxTokens: 1, limitName }), readCompletion),
      report,
    );
  let wantsNewName = false;
  let plain = await ask({ kind: "chat", messages }, "max_tokens", (refusal) => {
    wantsNewName = refusal.reason.includes("max_completion_tokens");
    if (!wantsNewName) note(refusal);
  });
  const limitName = wantsNewName ? "max_completion_tokens" : "max_tokens";
  if (wantsNewName) plain = await ask({ kind: "chat", messages }, limitName, note);
  if (!plain) return undefined;
  // "The" is one token everywhere. Where the server ends the turn and begins another, its markup comes on top.
  const opened = await ask({ kind: "chat", messages, opening: "The" }, limitName, () => {});
  const continuesAnswer =
    opened?.promptTokens !== undefined &&
    plain.promptTokens !== undefined &&
    opened.promptTokens - plain.promptTokens <= 1;
  return { ...plain, continuesAnswer, limitName };
}

/** Tokens of a text, as the server counts them. */
export function countOnServer(
  client: Client,
  dialect: NonNullable<Capabilities["tokenize"]>,
  model: string,
  text: string,
): Promise<{ value: number }> {
  const body = dialect === "llama.cpp" ? { content: text } : { model, prompt: text };
  return client.ask(paths.tokenize, body, readTokenCount);
}

async function probeTokenize(client: Client, model: string): Promise<Capabilities["tokenize"]> {
  for (const dialect of ["llama.cpp", "vllm"] as const) {
    // A server that ignores the other one's field counts nothing.
    const count = await unlessAbsent(countOnServer(client, dialect, model, fiveWords));
    if (count !== undefined && count > 0) return dialect;
  }
  return undefined;
}

interface ModelEntry {
  readonly id: string;
  readonly contextLength?: number;
}

function readModels(json: unknown): ModelEntry[] {
  const { data } = json as {
    data?: { id: string; max_model_len?: number; context_length?: number; meta?: { n_ctx?: number } | null }[];
  };
  if (!Array.isArray(data)) throw new Error("no list of models");
  return data.map(({ id, max_model_len, context_length, meta }) => ({
    id,
    contextLength: max_model_len ?? meta?.n_ctx ?? context_length,
  }));
}

function readProps(json: unknown): number | undefined {
  return (json as { default_generation_settings?: { n_ctx?: number } }).default_generation_settings?.n_ctx;
}
