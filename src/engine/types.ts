/** The library's nouns: an engine holds one model, a session one sequence of tokens. */
import type { Calibration } from "../context/cache/calibration.ts";
import type { CachePlan } from "../context/cache/plan.ts";
import type { RotaryView } from "../context/cache/score/score.ts";
import type { Plan } from "../context/plan.ts";
import type { KernelProfile } from "../runtime/profile.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { Moments } from "./moments.ts";

export interface LoadOptions {
  /** Worker threads that compute. Default: the cores this process may use. */
  threads?: number;
  /** Called while weights are read, in bytes of the file. */
  onProgress?: (doneBytes: number, totalBytes: number) => void;
  signal?: AbortSignal;
  /** URLs of modules that export more techniques: see TechniqueModule. */
  techniques?: readonly string[];
  /** What was measured of the model before, for plans that need it: see calibrate(). */
  calibration?: Calibration;
  /** Adds up what profile() gives. */
  profile?: boolean;
}

export interface Engine {
  readonly model: ModelInfo;
  readonly tokenizer: Tokenizer;
  readonly threads: number;
  /** A new, empty sequence. Throws UnsupportedError or InputError if the plan does not fit the model. */
  session(options?: SessionOptions): Promise<Session>;
  /** Keys under which sessions with this plan (the default one if not given) put the full blocks of a text into a store, in order. */
  textKeys(tokenIds: ArrayLike<number>, plan?: Plan): Promise<readonly string[]>;
  memory(): Promise<EngineMemory>;
  /**
   * What kernels have taken since the model was loaded, or since the last call with `reset`; those that took longest first, and last
   * what the thread that posts them took between them. Empty if the model was not loaded with { profile: true }.
   */
  profile(options?: { reset?: boolean }): Promise<readonly KernelProfile[]>;
  dispose(): Promise<void>;
}

export interface ModelInfo {
  readonly name: string;
  readonly architecture: string;
  readonly contextLength: number;
  readonly vocabularySize: number;
  readonly numLayers: number;
  readonly hiddenSize: number;
  readonly fileBytes: number;
}

/** Most tokens that prefill computes at once: memory for them is set aside when a model is loaded. */
export const maxPrefillChunk = 512;

export interface SessionOptions {
  plan?: Plan;
  /** Cache plans that this session or its forks may be compressed by: what their scores need is gathered while reading. */
  collect?: readonly CachePlan[];
  /** Gathers what statistics() gives. */
  statistics?: boolean;
  /** Sums up what trace() gives: about one more attention for each generated token, and 4 bytes a KV head and token held. */
  trace?: boolean;
  /** Finds out what recall() gives: with sparse prefill, about an eighth of full attention more. */
  recall?: boolean;
  /**
   * Where the session finds the beginning of a text that was read before, and puts what it reads: a first prefill() begins
   * behind it. Of use where pages are those of the text alone: not with re-indexed positions, nor where slots are dropped while reading.
   */
  store?: BlockStore;
  /** Tokens computed at once during prefill; at most, and by default, `maxPrefillChunk`. Results do not depend on it. */
  prefillChunk?: number;
}

/** Keeps blocks of text that were read, under hexadecimal keys. See DiskBlockStore. */
export interface BlockStore {
  /** A block as it was put; none if it is not there or not whole. */
  get(key: string): Promise<Uint8Array | undefined>;
  /** If it rejects, the session stores no more, and goes on. */
  put(key: string, payload: Uint8Array, about: BlockAbout): Promise<void>;
}

export interface BlockAbout {
  readonly model: string;
  /** Key of the block before it; none for the first. */
  readonly parent?: string;
  /** Of the text up to the block's end. */
  readonly tokens: number;
}

export interface Session {
  /** Tokens held: prefilled and generated. */
  readonly length: number;
  /** Tokens that the last prefill() had from the store. */
  readonly restored: number;
  readonly plan: Plan;
  /** Most tokens it can hold: the model's context, times what the plan's position method extends it by. */
  readonly contextLength: number;
  /** Appends tokens. Rejects with CapacityError if they exceed the context, with the signal's reason if aborted. */
  prefill(tokenIds: ArrayLike<number>, options?: PrefillOptions): Promise<void>;
  /**
   * Puts what the store has of a text into this session, which is empty, and gives how many of its first tokens these are: a
   * multiple of 64. To link from, or to read the rest behind; prefill() does it by itself.
   */
  restore(tokenIds: ArrayLike<number>): Promise<number>;
  /** Samples tokens after what was prefilled; the sequence grows by what was yielded. */
  generate(options?: GenerateOptions): AsyncIterable<GeneratedToken>;
  /**
   * Forgets all after the first `length` tokens, to go on from there with others. Gives the number of tokens that are
   * left: `length`, or less where a page (64 tokens) was sealed already, or 0 where a sliding window has moved on. Within a prompt
   * of which a plan let some tokens only go on ("from a layer"), layers below keep what is left; the next prefill() brings what comes
   * behind it, all in one call, and selects anew by its end.
   */
  truncate(length: number): Promise<number>;
  /**
   * An independent session that goes on from where this one stands. Pages are shared as long as neither drops slots of them.
   * With `trace` it gives trace() of what it generates, whether or not this one does.
   */
  fork(options?: { trace?: boolean }): Promise<Session>;
  /**
   * Appends tokens that another session of this engine has read, without reading them: what they know of is the text that they
   * were read in. They must all be held there; then read something here. Nothing that follows goes into this session's store.
   * Throws UnsupportedError where slots were dropped, have left a sliding window, or depend on more than one position.
   */
  link(from: Session, options?: LinkOptions): Promise<void>;
  /**
   * Drops what exceeds a cache plan's budget: by default the session's own, else one that it has gathered for (`collect`).
   * prefill() and generate() do so themselves when the plan's schedule says.
   */
  compress(cache?: CachePlan): Promise<void>;
  /** Positions of the slots that every head of every layer holds. */
  kept(): Promise<readonly KeptSlots[]>;
  /**
   * Sums over all queries and keys of a layer that were read, for a session that was opened with `statistics`; none of a layer
   * with a sliding window.
   */
  statistics(layer: number): Promise<LayerStatistics | undefined>;
  /**
   * What the tokens generated since the last prefill() attended to, from its last token on, which predicts the first of them:
   * one entry for every KV head of every layer without a sliding window. For a session that was opened with `trace`.
   */
  trace(): Promise<readonly TracedHead[]>;
  /** What a plan with sparse prefill let every query head of every layer see of what was read; none of another plan. */
  seenPages(): Promise<readonly SeenPages[]>;
  /**
   * What a plan with sparse prefill captured of full attention while it read, for every KV head of every layer without a sliding
   * window; none of another plan. For a session that was opened with `recall`.
   */
  recall(): Promise<readonly RecalledHead[]>;
  /** What came of guessing tokens in all of generate(); none where the plan has none guessed. */
  readonly speculation?: SpeculationCounts;
  memory(): Promise<SessionMemory>;
  dispose(): Promise<void>;
}

export interface SpeculationCounts {
  /** Runs through the model, each for one token and those guessed. */
  readonly steps: number;
  /** Guessed tokens that were computed. */
  readonly drafted: number;
  /** Of these, those that were right: each saved a step. */
  readonly accepted: number;
}

export interface KeptSlots {
  readonly layer: number;
  readonly kvHead: number;
  /** Of layers that drop: those without a sliding window. */
  readonly drops: boolean;
  /** Ascending. */
  readonly positions: Int32Array;
}

/** How much of the past a query head has seen while a prompt was read, in pages of 64 slots. */
export interface SeenPages {
  readonly layer: number;
  readonly head: number;
  readonly seen: number;
  /** What full attention would have seen. */
  readonly all: number;
}

export interface RecalledHead {
  readonly layer: number;
  readonly head: number;
  /**
   * Of the tokens of every eighth page from the plan's `denseBelow` on: what part of the softmax over all that is before them falls on
   * what they saw, 0 to 1. [pages][query heads of the KV head][64 tokens]
   */
  readonly shares: Float32Array;
  /** Of reading, that went into finding this out. */
  readonly seconds: number;
}

export interface LayerStatistics extends Moments {
  readonly headDim: number;
  readonly rotary: RotaryView;
}

export interface TracedHead {
  readonly layer: number;
  readonly kvHead: number;
  /** By position: attention weights summed over the tokens and over the query heads that share the KV head. */
  readonly weights: Float32Array;
}

export interface PrefillOptions {
  /** Whether the plan's selection may leave tokens out, and its schedule drop slots at the end. Default: true. */
  compress?: boolean;
  /** Tokens of the same prompt that later calls will bring, for plans that read its last tokens otherwise. Default: 0. */
  tokensAfter?: number;
  /** Called after every chunk. */
  onProgress?: (doneTokens: number, totalTokens: number) => void;
  signal?: AbortSignal;
  /** If given, receives the logits of every token: [rows, vocabularySize] f32, in order. */
  onLogits?: (logits: Float32Array, firstRow: number) => void;
  /** For onLogProbs: targets[i] is the token whose probability after tokenIds[i] is wanted, -1 for none. */
  targets?: ArrayLike<number>;
  /** If given, receives ln p(target) for every token, in order; NaN where none is wanted. Costs far less than onLogits. */
  onLogProbs?: (logProbs: Float64Array, firstRow: number) => void;
  /** If given, receives what the output matrix sees of every token: [rows, hiddenSize] f32 after the last norm, in order. */
  onHidden?: (hidden: Float32Array, firstRow: number) => void;
}

export interface LinkOptions {
  /** Tokens [start, end) of the other session. Default: all. */
  start?: number;
  end?: number;
  signal?: AbortSignal;
}

export interface GenerateOptions {
  /** Default: until an end token or the context is full. */
  maxTokens?: number;
  /** 0 (the default) is greedy. */
  temperature?: number;
  topK?: number;
  topP?: number;
  minP?: number;
  seed?: number;
  /** Generation ends before any of these strings is emitted. */
  stop?: string[];
  /** Goes on past the model's end tokens, which are then yielded as well. For measuring. */
  ignoreEnd?: boolean;
  /** Taken from a token's logit for each time that this call has generated it. */
  frequencyPenalty?: number;
  /** Taken from the logit of every token that this call has generated. */
  presencePenalty?: number;
  /** Added to logits, by token id. */
  logitBias?: Readonly<Record<number, number>>;
  /** Decides which tokens may come next, as a grammar does. */
  constraint?: TokenConstraint;
  /** If given, every token comes with its log probability and with so many of the likeliest tokens; 0 to 20. */
  logProbs?: number;
  signal?: AbortSignal;
}

/** What may be generated: asked for before every token, told of every token that was taken. */
export interface TokenConstraint {
  /** A bit for each token id (id & 31 of word id >> 5), set where it may come next; none if all may. */
  mask(): Uint32Array | undefined;
  /** `tokenId` was taken; an end token as well. */
  accept(tokenId: number): void;
}

/** Of the model's own distribution: before penalties, bias, constraint and temperature. */
export interface TokenLogProb {
  readonly tokenId: number;
  /** ln p */
  readonly logProb: number;
}

export interface GeneratedToken {
  readonly tokenId: number;
  /** Where log probabilities were asked for. */
  readonly logProb?: number;
  /** The likeliest tokens, in falling order. */
  readonly top?: readonly TokenLogProb[];
  /**
   * Text that became complete with this token; may be empty inside a multi-byte character or a possible stop string.
   * The last token has all that was left. All texts in a row are the text of all tokens, up to the stop string.
   */
  readonly text: string;
}

export interface SessionMemory {
  /** Of pages, their tables, and what is held to choose pages by. */
  readonly cacheBytes: number;
  readonly pages: number;
}

export interface EngineMemory {
  readonly weightBytes: number;
  readonly workBytes: number;
  readonly cacheBytes: number;
  /** All of the shared WebAssembly memory that has been touched. */
  readonly totalBytes: number;
}
