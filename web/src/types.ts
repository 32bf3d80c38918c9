/** What the server says, and what the page makes of it. */
import type { JoinedText, NamedText } from "./prompt.ts";

/** A context plan; the page only passes it on. */
export type Plan = Readonly<Record<string, unknown>>;

export interface Model {
  readonly id: string;
  readonly max_model_len: number;
}

export interface Preset {
  readonly name: string;
  readonly summary: string;
  readonly plan: Plan;
  readonly context_length: number;
}

export interface Plans {
  readonly default: { readonly plan: Plan; readonly context_length: number };
  readonly presets: readonly Preset[];
}

export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly prompt_tokens_details: { readonly cached_tokens: number };
}

export interface TracedBlock {
  readonly attended: number;
  readonly kept: number;
  /** Characters [start, end) of the documents' text. */
  readonly start: number;
  readonly end: number;
}

export interface TracedPassage {
  readonly first_token: number;
  readonly end_token: number;
  readonly start: number;
  readonly end: number;
  readonly peak: number;
  readonly share: number;
  readonly excerpt: string;
}

export interface Trace {
  readonly prompt_tokens: number;
  readonly cached_tokens: number;
  readonly kept_tokens: number;
  readonly block_tokens: number;
  readonly text: { readonly message: number; readonly part: number } | null;
  readonly blocks: readonly TracedBlock[];
  readonly passages: readonly TracedPassage[];
}

export interface DocumentFile extends NamedText {
  readonly id: number;
  readonly tokens: number;
  readonly notes: readonly string[];
}

/** The documents as a question found them. */
export interface Documents extends JoinedText {
  readonly files: readonly DocumentFile[];
}

export interface PlanChoice {
  readonly label: string;
  readonly plan: Plan;
  readonly contextLength: number;
}

export type Phase = "waiting" | "reading" | "writing" | "done" | "stopped" | "failed";

/** One answer: a question under one plan. */
export interface Run {
  readonly choice: PlanChoice;
  readonly phase: Phase;
  readonly answer: string;
  readonly error?: string;
  /** Whether the answer was cut at the most tokens it may have. */
  readonly isCut?: boolean;
  /** Of performance.now(), when the request went out, the prompt was read, and the answer ended. */
  readonly startedAt?: number;
  readonly readAt?: number;
  readonly endedAt?: number;
  readonly progress?: Progress;
  /** Pieces of text that came: about one a token. */
  readonly pieces: number;
  readonly usage?: Usage;
  readonly trace?: Trace;
}

export interface Progress {
  readonly processed: number;
  readonly total: number;
  /** Tokens that did not have to be read, where the server says so early. */
  readonly cached?: number;
  /** What came first, to count the pace from. */
  readonly first: { readonly processed: number; readonly at: number };
  readonly at: number;
}

export interface Turn {
  readonly id: number;
  readonly question: string;
  readonly documents: Documents;
  /** One, or two to compare. */
  readonly runs: readonly Run[];
}

/** What the reader and a ribbon point at. */
export interface Selection {
  /** Whether a person chose it: then the page goes there, else the text alone does. */
  readonly isChosen: boolean;
  readonly turn: number;
  readonly run: number;
  readonly block: number;
  /** Characters [start, end) of the documents' text. */
  readonly start: number;
  readonly end: number;
}
