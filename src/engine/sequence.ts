/**
 * One sequence inside the controller: its keys and values, and the LayerContext that the decoder calls for a chunk of its tokens.
 */
import type { CachePlan, Dropping } from "../context/cache/plan.ts";
import type { RotaryView } from "../context/cache/score/score.ts";
import { decodeMethods } from "../context/decode/registry.ts";
import type { Plan } from "../context/plan.ts";
import { createRotation, type Rotation } from "../context/position/rotation.ts";
import { speculations } from "../context/speculate/registry.ts";
import type { Decoder } from "../model/decoder.ts";
import { PAGE_SLOTS } from "../ops/attention.ts";
import { InputError } from "../runtime/errors.ts";
import { AttentionTrace, type Tracing } from "./attention-trace.ts";
import { type BelowPlan, BelowSelection, belowPlanOf } from "./below-selection.ts";
import { Chunk, type ChunkParts, type ChunkRun, type ChunkSequence } from "./chunk.ts";
import { liveSlots } from "./compaction.ts";
import { type DroppingParts, dropSlots } from "./dropping.ts";
import { KeyStores } from "./key-stores.ts";
import { type LinkRange, linkTokens } from "./link.ts";
import { needsOf } from "./needs.ts";
import { Observations } from "./observations.ts";
import type { Watch } from "./second-reading.ts";
import { SparseDecode } from "./sparse-decode.ts";
import { SparsePrefill } from "./sparse-prefill.ts";
import { exportBlock, importBlock } from "./stored-blocks.ts";
import type { KeptSlots, LayerStatistics, RecalledHead } from "./types.ts";

export interface SequenceParts extends ChunkParts {
  readonly plan: Plan;
  /** Cache plans that forks may be compressed by: what their scores need is gathered too. */
  readonly collect?: readonly CachePlan[];
  /** Gathers what statistics() gives. */
  readonly statistics?: boolean;
  /** Sums up what trace.heads() gives. */
  readonly trace?: boolean;
  /** Gathers what recall() gives. */
  readonly recall?: boolean;
  readonly stored?: DroppingParts["stored"];
}

interface RunOptions {
  readonly tracing?: Tracing;
  readonly tokensAfter?: number;
}

export class Sequence implements ChunkSequence {
  readonly stores: KeyStores;
  /** Logits after the last token, kept because sequences share the decoder's buffer. */
  logits?: Float32Array;
  readonly trace?: AttentionTrace;
  readonly rotation: Rotation;
  readonly sparsePrefill?: SparsePrefill;
  /** Also where it is for drafts only: see sparseDecode. */
  readonly sparse?: SparseDecode;
  /** Whether a draft is being made; undefined where the plan's `decode` is for all that is written. */
  isDrafting?: boolean;
  readonly observations?: Observations;
  readonly watch?: Watch;
  /** As ChunkSequence has it. */
  leftOut = 0;
  /** Where the prompt was read by a selection that can select anew. */
  below?: BelowSelection;
  private readonly parts: SequenceParts;
  /** Scores of the cache as it stands, for those that ask again. */
  private scores: DroppingParts["scores"] = new Map();

  constructor(parts: SequenceParts, from?: Sequence, watch?: Watch) {
    const { team, heap, pool, config, space, plan } = parts;
    this.parts = parts;
    this.rotation = from?.rotation ?? createRotation(plan.position, config);
    const { contextLength: capacity, zones } = this.rotation;
    this.stores =
      from?.stores.fork() ?? new KeyStores({ team, heap, pool, space, format: plan.cache, capacity, zones });
    const wanted = needsOf([plan.cache, ...(parts.collect ?? [])]);
    const needs = { ...wanted, statistics: wanted.statistics || parts.statistics === true };
    const gathers = needs.queries > 0 || needs.statistics || needs.attentionSums || needs.secondReading;
    const { shapes } = space;
    if (plan.prefill.method !== "full")
      this.sparsePrefill = new SparsePrefill(
        { team, heap, pool, space, recall: parts.recall },
        plan.prefill,
        from?.sparsePrefill,
      );
    const decode = decodeMethods.chosen(plan.decode);
    const decodeNeeds = decode.technique.needs?.(decode.options);
    if (speculations.chosen(plan.speculate).technique.draftsItself) this.isDrafting = false;
    if (decodeNeeds) this.sparse = new SparseDecode({ team, heap, pool, space }, plan.decode, decodeNeeds);
    this.watch = watch;
    if (from) this.observations = watch ? undefined : from.observations?.fork();
    else if (gathers) this.observations = new Observations({ team, heap, pool, shapes, needs });
    if (from?.trace && !watch) this.trace = from.trace.fork();
    else if (parts.trace && !watch) this.trace = new AttentionTrace({ team, heap, pool, shapes });
    if (from) {
      this.scores = from.scores;
      this.leftOut = from.leftOut;
      const { below } = from;
      if (below && !watch) this.below = below.fork();
    }
    if (from?.logits) this.logits = from.logits.slice();
  }

  /** An independent copy of all that was read; with `trace` it is traced from here on, if it was not before. */
  fork({ trace = this.parts.trace }: { trace?: boolean } = {}): Sequence {
    return new Sequence({ ...this.parts, trace }, this);
  }

  /** A copy that reads parts of the text again, for what the scores of this one need. */
  readingAgain(start: number, end: number): Sequence {
    const { observations, length } = this;
    if (!observations) throw new Error("sequence: nothing is gathered that a second reading would add to");
    return new Sequence(this.parts, this, { into: observations, start, end, length });
  }

  get length(): number {
    return this.stores.length;
  }

  /** Of its pages, of what is held to choose some of them by, and of what another end of the prompt would go on from. */
  get bytes(): number {
    return this.stores.bytes + (this.sparse?.bytes ?? 0) + (this.below?.waiting.bytes ?? 0);
  }

  /** Whether the next reading brings the end of a prompt that was cut, and all that its selection needs. */
  get awaitsEnd(): boolean {
    return this.below?.awaitsEnd ?? false;
  }

  /** A reading by a selection begins: with the prompt, or with its new end. */
  beginBelow(plan: BelowPlan): BelowSelection {
    const { heap, pool, config } = this.parts;
    this.below ??= new BelowSelection({ heap, pool, hiddenSize: config.hiddenSize }, plan);
    this.below.awaitsEnd = false;
    return this.below;
  }

  /** Of a prompt that was read by a selection, keeps the first tokens in the lower layers, and nothing in those above. */
  awaitEnd(below: BelowSelection, length: number): number {
    const { observations, stores, sparse, sparsePrefill } = this;
    this.logits = undefined;
    this.scores = new Map();
    this.leftOut = 0;
    sparse?.forget();
    const left = length < this.length ? (observations?.truncate(length) ?? length) : length;
    const kept = stores.truncate(left - (left % PAGE_SLOTS), below.layers);
    sparsePrefill?.truncate(kept, below.layers);
    below.waiting.truncate(kept);
    below.awaitsEnd = true;
    if (kept === 0) this.forgetBelow();
    return kept;
  }

  private forgetBelow(): void {
    this.below?.waiting.dispose();
    this.below = undefined;
  }

  /** None where it is for drafts only, but while they are made. */
  get sparseDecode(): SparseDecode | undefined {
    return this.isDrafting === false ? undefined : this.sparse;
  }

  /** Forgets all but the first tokens; gives how many are left, fewer where more has to be read again. */
  truncate(length: number): number {
    const { below, stores } = this;
    const left = length < this.length ? (this.observations?.truncate(length) ?? length) : length;
    if (below && (below.awaitsEnd || stores.wholeUpTo(left) < below.waiting.length))
      return this.awaitEnd(below, below.left(length));
    this.logits = undefined;
    this.scores = new Map();
    this.sparse?.truncate(this.length, length);
    this.sparsePrefill?.truncate(length);
    const kept = stores.truncate(left);
    if (kept === 0) {
      this.leftOut = 0;
      this.forgetBelow();
    }
    return kept;
  }

  /** Computes one chunk; afterwards decoder.logits(row, …) gives what its tokens predict. */
  run(decoder: Decoder, tokenIds: Int32Array, { tracing, tokensAfter }: RunOptions = {}): void {
    const chunk = this.begin(tokenIds.length, tracing, tokensAfter);
    decoder.forward(tokenIds, chunk);
    chunk.end();
  }

  /** Computes one layer for a chunk whose residual stream the decoder holds. */
  runLayer(decoder: Decoder, layer: number, run: Omit<ChunkRun, "sequence">): void {
    this.runLayers(decoder, { first: layer, end: layer + 1 }, run);
  }

  /** The same for layers [first, end). */
  runLayers(decoder: Decoder, { first, end }: { first: number; end: number }, run: Omit<ChunkRun, "sequence">): void {
    this.scores = new Map();
    const chunk = new Chunk(this.parts, [{ ...run, sequence: this }]);
    for (let layer = first; layer < end; layer++) decoder.layer(layer, run.tokens, chunk);
    chunk.end();
  }

  /** The text has `length` tokens from now on, of which some layers hold fewer; `isClosedUp`: RoPE counts none that all of them lack. */
  leaveOut(length: number, isClosedUp: boolean): void {
    if (isClosedUp) this.leftOut = length - this.length;
    this.stores.leaveOut(length);
  }

  private begin(tokens: number, tracing?: Tracing, tokensAfter?: number): Chunk {
    this.scores = new Map();
    return new Chunk(this.parts, [{ sequence: this, tokens, tracing, tokensAfter }]);
  }

  /** Whether runAhead() leaves nothing behind of tokens that are cut off again. */
  get canRunAhead(): boolean {
    const hasDrafts = this.isDrafting === undefined || this.sparse !== undefined;
    return this.isPlain && !this.observations && !this.trace && hasDrafts;
  }

  /** Computes tokens that may come next, at most MOST_SEQUENCES and all on the open page: each as a step of its own would. */
  runAhead(decoder: Decoder, tokenIds: Int32Array): void {
    this.scores = new Map();
    const chunk = new Chunk(this.parts, [{ sequence: this, tokens: tokenIds.length, isWritten: true }]);
    decoder.forward(tokenIds, chunk);
    chunk.end();
  }

  /** Computes the next token of each of several sequences at once, if their plans allow it: see isPlain. */
  static step(decoder: Decoder, sequences: readonly Sequence[], tokenIds: Int32Array): void {
    for (const sequence of sequences) sequence.scores = new Map();
    const runs = sequences.map((sequence) => ({ sequence, tokens: 1, isWritten: true, tracing: "generated" as const }));
    const chunk = new Chunk(sequences[0].parts, runs);
    decoder.forward(tokenIds, chunk);
    chunk.end();
  }

  /** Whether its pages are those of the text alone: keys turned one way, nothing chosen by. */
  get isPlain(): boolean {
    return this.rotation.zones === undefined;
  }

  /** Of the text, or of what is below a selection. */
  exportBlocks(first: number, count: number, isBelow: boolean): (Uint8Array | undefined)[] {
    const [cache] = this.stores.caches;
    const below = isBelow ? this.below : undefined;
    return Array.from({ length: count }, (_, i) => exportBlock(this.parts.heap, cache, first + i, below));
  }

  /** Goes on with blocks that another sequence gave, as if their text had been read. Nothing is gathered of it. */
  importBlocks(blocks: readonly Uint8Array[], isBelow: boolean): void {
    const { heap, plan, space } = this.parts;
    const [cache] = this.stores.caches;
    const belowPlan = isBelow ? belowPlanOf(plan.prefill, space.shapes.length) : undefined;
    const below = belowPlan && this.beginBelow(belowPlan);
    for (const block of blocks) importBlock(heap, cache, block, below);
    if (below) below.awaitsEnd = true;
    this.logits = undefined;
  }

  /** Goes on with tokens that another sequence has read: as linkTokens(). */
  link(from: Sequence, range: LinkRange, most: number): number {
    this.scores = new Map();
    this.logits = undefined;
    return linkTokens(this.parts, { from, to: this }, range, most);
  }

  /** Drops slots by a cache plan; `once` if it will not be done again and again. */
  drop(decoder: Decoder, dropping: Dropping, options: { once: boolean; only?: number }): void {
    const { stores, observations, scores } = this;
    const { team, heap, pool, space, stored } = this.parts;
    const [cache] = stores.caches;
    this.sparse?.forget();
    this.forgetBelow();
    dropSlots(
      {
        ...{ team, heap, pool, cache, scores },
        ...(observations && { observations }),
        ...(stored && { stored }),
        shapes: space.shapes,
        itemSpace: space.itemSpace,
        rotary: (layer) => this.rotaryView(layer),
        outputColumns: (layer) => decoder.outputColumns(layer),
      },
      dropping,
      options,
    );
    this.scores = new Map();
  }

  /** What every head of every layer holds. */
  kept(): KeptSlots[] {
    const { heap, space } = this.parts;
    const [cache] = this.stores.caches;
    return space.shapes.flatMap(({ numKvHeads, window }, layer) =>
      Array.from({ length: numKvHeads }, (_, kvHead) => {
        const { positions } = liveSlots(heap, cache.pagesOf(layer, kvHead), cache.length % PAGE_SLOTS);
        return { layer, kvHead, drops: window === 0, positions };
      }),
    );
  }

  /** What was summed of a layer, copied; none of a layer with a sliding window. */
  statistics(layer: number): LayerStatistics | undefined {
    const { observations } = this;
    const { space, config } = this.parts;
    if (!observations?.needs.statistics)
      throw new InputError(
        "statistics: expected a session that gathers them, got one that does not. Open it with { statistics: true }.",
      );
    if (space.shapes[layer].window > 0) return undefined;
    const { count, queries, keys, products } = observations.moments(layer);
    const sums = { queries: queries.slice(), keys: keys.slice(), products: products.slice() };
    return { count, ...sums, headDim: config.headDim, rotary: this.rotaryView(layer) };
  }

  /** What a sparse prefill captured of full attention; nothing of another plan. */
  recall(): RecalledHead[] {
    if (!this.parts.recall)
      throw new InputError("recall: expected a session that finds it out, got another. Open it with { recall: true }.");
    return this.sparsePrefill?.recall?.heads() ?? [];
  }

  private rotaryView(layer: number): RotaryView {
    const { inverse, attentionFactor } = this.rotation.profiles[this.rotation.profileOf[layer]];
    const { rotary: dimensions, ropeInterleaved: interleaved } = this.parts.config;
    return { inverse, attentionFactor, dimensions, interleaved };
  }

  dispose(): void {
    this.forgetBelow();
    this.stores.dispose();
    this.observations?.dispose();
    this.sparsePrefill?.dispose();
    this.sparse?.dispose();
    this.logits = undefined;
  }
}
