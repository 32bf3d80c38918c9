/** The nouns of evaluation: a task makes samples, a backend answers them, a row of the log says how well. */

/**
 * How a prompt reaches the model. Scores differ between modes and are never put into one table.
 * raw: plain completion, no chat markup. chat+prefill: the chat template, then the answer prefix opens the assistant's
 * turn (RULER's official form). chat: the template alone, the answer prefix is dropped (all that chat endpoints offer).
 */
export const promptModes = ["raw", "chat+prefill", "chat"] as const;
export type PromptMode = (typeof promptModes)[number];

/** A prompt in its parts, joined without separators: context + question, then the answer prefix. */
export interface Parts {
  readonly system?: string;
  /** All before the question is known: instruction, examples and the long text. What a cache may compress. */
  readonly context: string;
  readonly question: string;
  /** Opens the answer; written with its leading space. */
  readonly answerPrefix?: string;
}

/** Where a needle stands, in UTF-16 units of `Parts.context`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** What a task makes: a prompt and what is known about it. */
export interface Draft {
  readonly parts: Parts;
  /** Gold answers; what they mean is up to the task's score. */
  readonly references: readonly string[];
  /** Most tokens to generate. Part of the sample's length. */
  readonly maxTokens: number;
  readonly stop?: readonly string[];
  /** Samples with the same group share a context, and are not independent. Default: a group of its own. */
  readonly group?: string;
  /** Relative place of what must be found, 0 (beginning) to 1 (end). */
  readonly depth?: number;
  readonly needles?: readonly Span[];
  /** Further figures for the log, such as hops or shots. */
  readonly facts?: Readonly<Record<string, string | number | boolean>>;
}

export interface Sample extends Draft {
  /** `${task}/${length}/${index}` */
  readonly id: string;
  readonly task: string;
  /** Target: most tokens of prompt and answer together. */
  readonly length: number;
  readonly index: number;
  readonly group: string;
  /** Prompt tokens in the evaluated model's own tokens, markup and answer prefix included. */
  readonly promptTokens: number;
}

/** What one answer is worth. `score` is the headline, from 0 to 1; others are shown beside it. */
export interface Score {
  readonly score: number;
  readonly [name: string]: number;
}

/** What a task may use to make the samples of one length. */
export interface Cell {
  /** Of the whole run. */
  readonly seed: number;
  /** Target of prompt and answer together, in tokens. */
  readonly length: number;
  /** Samples that will be made; sweeps spread over them. */
  readonly count: number;
  /** A generator for a purpose of this cell: the same name gives the same numbers, whatever else was drawn. */
  random(name: string | number): Random;
  /** Tokens of a rendered prompt, markup included. */
  promptTokens(parts: Parts): number;
  /** Tokens of a text alone, without BOS. */
  countTokens(text: string): number;
  /** Long natural text to hide things in. */
  readonly haystack: Haystack;
  /** Files that the user points to (`--data NAME=FILE`), by name: questions of other people, code, documents. */
  readonly files: ReadonlyMap<string, string>;
}

export interface Task {
  /** Unique, as the field knows it: niah_single_1, vt, kv_retrieval. */
  readonly id: string;
  /** What it belongs to: ruler, needle, lost-in-the-middle, … */
  readonly family: string;
  /** Raised whenever its prompts or scores change. */
  readonly version: number;
  readonly summary: string;
  /** Paper or repository that defines it. */
  readonly source: string;
  /** Licence of the words that are quoted. */
  readonly license: string;
  /** Samples sweep the depth of what is to be found. */
  readonly sweepsDepth?: boolean;
  /** Says what a score is worth, and is no part of its family's mean. */
  readonly isControl?: boolean;
  /** Name of the user's file without which it cannot be made (`--data NAME=FILE`). A family leaves such tasks out. */
  readonly needsFile?: string;
  /** Samples there are, where a file limits them. */
  readonly sampleCount?: number;
  /** Prepares one length and gives its samples by index. Index i never depends on how many others are made. */
  cell(cell: Cell): (index: number) => Draft;
  score(output: string, draft: Draft): Score;
}

/** Seeded random numbers; see random.ts. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform whole number from 0 to n - 1. */
  int(n: number): number;
  /** Uniform whole number from low to high, both included. */
  between(low: number, high: number): number;
  pick<T>(items: readonly T[]): T;
  /** `count` different items in random order. */
  sample<T>(items: readonly T[], count: number): T[];
  /** A shuffled copy. */
  shuffle<T>(items: readonly T[]): T[];
  /** A random UUID, version 4. */
  uuid(): string;
  /** Independent numbers for a part of the work. */
  fork(name: string | number): Random;
}

/** Natural text in sentences; wraps around at its end. */
export interface Haystack {
  readonly name: string;
  readonly sha256: string;
  readonly license: string;
  /** Sentences in order, whitespace collapsed. */
  readonly sentences: readonly string[];
  /** The first `count` words from word `offset` on, joined by single spaces. */
  words(count: number, offset?: number): string;
  readonly wordCount: number;
}

/** What answers prompts: an engine with a plan, or an endpoint. */
export interface Backend {
  /** What is evaluated, in words: model, plan or URL. */
  readonly name: string;
  /** Changes with anything that may change an answer: weights, plan, build, sampling. */
  readonly fingerprint: string;
  readonly mode: PromptMode;
  readonly contextLength: number;
  /** Requests that may run at once. */
  readonly concurrency: number;
  /** Backends with the same one share what they read. */
  readonly reading?: unknown;
  /** Prompts that begin alike are cheaper one after the other. */
  readonly sharesPrefixes: boolean;
  promptTokens(parts: Parts): number;
  countTokens(text: string): number;
  generate(request: GenerationRequest): Promise<Generation>;
  dispose(): Promise<void>;
}

export interface GenerationRequest {
  readonly parts: Parts;
  readonly maxTokens: number;
  readonly stop?: readonly string[];
  /** What promptTokens() said: how a backend notices that a server cut the prompt. */
  readonly promptTokens: number;
  readonly signal?: AbortSignal;
  /** Prompt tokens done so far; answers of endpoints report none. */
  onProgress?(doneTokens: number): void;
}

export interface Generation {
  readonly text: string;
  readonly finish: "stop" | "length";
  readonly usage: Usage;
  /** The server read fewer tokens than the prompt has: the answer counts for nothing. */
  readonly truncated?: boolean;
  /** Tries it took; 1 where nothing failed. */
  readonly attempts?: number;
}

export interface Usage {
  readonly promptTokens: number;
  /** Of these, tokens that had been read before. */
  readonly cachedTokens: number;
  readonly outputTokens: number;
  /** KV cache after the answer, of an engine. */
  readonly cacheBytes?: number;
  readonly prefillSeconds?: number;
  readonly decodeSeconds?: number;
  /** All of it, waiting included. */
  readonly seconds: number;
}

/** One line of results.jsonl. */
export interface Row {
  /** Hash of everything that determines the prompt and the answer: what --resume and the answer cache go by. */
  readonly key: string;
  readonly task: string;
  readonly family: string;
  readonly mode: PromptMode;
  readonly length: number;
  readonly index: number;
  readonly group: string;
  /** For tasks that sweep it. */
  readonly depth?: number;
  readonly isControl?: true;
  readonly promptHash: string;
  readonly promptTokens: number;
  /** (promptTokens + maxTokens) / length */
  readonly fill: number;
  readonly maxTokens: number;
  readonly question: string;
  readonly answerPrefix?: string;
  /** The needles with what stands around them, for people. */
  readonly evidence: readonly Excerpt[];
  readonly references: readonly string[];
  readonly output: string;
  readonly score: number;
  readonly scores: Readonly<Record<string, number>>;
  readonly facts?: Draft["facts"];
  readonly finish: Generation["finish"];
  readonly usage: Usage;
  readonly truncated?: true;
  readonly attempts: number;
  /** Answered from the cache of an earlier run. */
  readonly fromCache?: true;
}

/** A piece of context: `before`, the needle, `after`. */
export interface Excerpt {
  readonly before: string;
  readonly needle: string;
  readonly after: string;
  /** Place of the needle in the context, 0 to 1. */
  readonly depth: number;
}

/** run.json: what was asked for, and where it ran. */
export interface RunInfo {
  readonly version: 1;
  readonly id: string;
  readonly startedAt: string;
  readonly longspan: string;
  readonly backend: { readonly name: string; readonly fingerprint: string; readonly contextLength: number };
  /** The plan as JSON, for an engine; absent for endpoints. */
  readonly plan?: unknown;
  readonly mode: PromptMode;
  readonly seed: number;
  readonly tasks: readonly { readonly id: string; readonly version: number; readonly family: string }[];
  readonly lengths: readonly number[];
  /** Samples of each task, by length. */
  readonly samples: Readonly<Record<string, number>>;
  readonly haystack: { readonly name: string; readonly sha256: string };
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly memoryBytes: number;
    readonly node: string;
  };
}
