/**
 * The controller: a worker thread that owns the shared memory, the weights and all sequences, and runs the forward pass.
 * One call is at most one chunk of tokens, so that sequences take turns and cancelling is prompt.
 */
import { type StoredStatistics, storedStatistics } from "../context/cache/calibration.ts";
import type { Dropping } from "../context/cache/plan.ts";
import { selectionFor } from "../context/select/registry.ts";
import type { CompleteChoice } from "../context/technique.ts";
import type { ModelConfig } from "../model/config.ts";
import { Decoder } from "../model/decoder.ts";
import { loadWeights } from "../model/weights.ts";
import { attentionScratchBytes, PAGE_SLOTS } from "../ops/attention.ts";
import { workOf } from "../ops/work.ts";
import type { Host } from "../platform/platform.ts";
import { InputError } from "../runtime/errors.ts";
import { compileKernels } from "../runtime/kernels.ts";
import { SharedHeap } from "../runtime/memory.ts";
import { Profile } from "../runtime/profile.ts";
import { CONTROL_BYTES, Team } from "../runtime/team.ts";
import type {
  BeginCall,
  BeginResult,
  ExportBlocksCall,
  ImportBlocksCall,
  LayerChunkCall,
  LinkCall,
  LoadParams,
  OpenCall,
  PrefillCall,
  PrefillResult,
  SelectingChunkCall,
  Truncated,
} from "./controller-calls.ts";
import { LayerMajorRead } from "./layer-major.ts";
import { type Sampled, withLogProbs } from "./log-probs.ts";
import { allHidden, allLogits, targetLogProbs } from "./logits.ts";
import { PagePool } from "./page-pool.ts";
import { expectFree, type RoomSchedule, roomFor, roomForIndex } from "./room.ts";
import { createSampler, type Sampler } from "./sampler.ts";
import { readAgain } from "./second-reading.ts";
import { SelectingRead } from "./selecting-read.ts";
import { Sequence } from "./sequence.ts";
import { SequenceSpace } from "./sequence-space.ts";
import { cut, stepAhead } from "./speculation-verify.ts";
import type { Step, Stepped } from "./stepper.ts";
import type { EngineMemory, KeptSlots, LayerStatistics, SeenPages, SessionMemory, TracedHead } from "./types.ts";

interface Slot {
  sequence: Sequence;
  sampler: Sampler;
  /** Likeliest tokens that are told with each, if any are. */
  logProbs?: number;
  layerMajor?: LayerMajorRead;
  selecting?: SelectingRead;
}

/** Scratch of the kernels other than attention: an unpacked piece of a panel. */
const SCRATCH_BYTES = 32 * 1024;

export class Controller {
  readonly profile?: Profile;
  private readonly host: Host;
  private readonly heap: SharedHeap;
  private readonly pool: PagePool;
  private readonly slots = new Map<number, Slot>();
  private readonly team: Team;
  private readonly config: ModelConfig;
  private readonly decoder: Decoder;
  private readonly space: SequenceSpace;
  private readonly chunk: number;
  private readonly stored?: StoredStatistics;
  private readonly weightBytes: number;
  private readonly workBytes: number;

  private constructor(
    heap: SharedHeap,
    team: Team,
    params: LoadParams,
    host: Host,
    progress: (event: unknown) => void,
  ) {
    this.host = host;
    this.heap = heap;
    this.pool = new PagePool(heap);
    this.team = team;
    this.config = params.config;
    const before = heap.usedBytes;
    const file = host.openFile(params.path);
    let reported = 0;
    const onProgress = (done: number, total: number) => {
      if (done < total && done - reported < 8 << 20) return;
      reported = done;
      progress({ done, total });
    };
    try {
      const gguf = { metadata: new Map(), tensors: params.tensors };
      const weights = loadWeights(team, heap, params.config, { gguf, file, onProgress });
      this.weightBytes = heap.usedBytes - before;
      this.decoder = new Decoder(team, heap, params.config, weights, params.chunk);
    } finally {
      file.close();
    }
    this.chunk = params.chunk;
    this.stored = params.calibration && storedStatistics(params.calibration);
    this.space = new SequenceSpace(heap, params.config, params.chunk);
    this.workBytes = heap.usedBytes - this.weightBytes;
    if (params.profile) this.profile = team.profile = new Profile((...command) => workOf(heap, ...command));
  }

  static async load(host: Host, params: LoadParams, progress: (event: unknown) => void): Promise<Controller> {
    const heap = new SharedHeap(CONTROL_BYTES);
    const build = compileKernels(host.kernelBinary);
    const scratchBytes = Math.max(SCRATCH_BYTES, attentionScratchBytes(params.config, PAGE_SLOTS));
    const team = await Team.start(heap, build, host.spawn, { threads: params.threads, scratchBytes });
    try {
      return new Controller(heap, team, params, host, progress);
    } catch (error) {
      await team.stop();
      throw error;
    }
  }

  get kernelBuild(): string {
    return this.team.buildName;
  }

  open({ session, ...wanted }: OpenCall): { isPlain: boolean } {
    const { team, heap, pool, config, space, stored } = this;
    const sequence = new Sequence({ team, heap, pool, config, space, stored, ...wanted });
    this.slots.set(session, { sequence, sampler: createSampler() });
    return { isPlain: sequence.isPlain };
  }

  exportBlocks({ session, first, count, isBelow }: ExportBlocksCall): (Uint8Array | undefined)[] {
    return this.slot(session).sequence.exportBlocks(first, count, isBelow);
  }

  importBlocks({ session, blocks, isBelow }: ImportBlocksCall): void {
    this.slot(session).sequence.importBlocks(blocks, isBelow);
  }

  /** Appends the first tokens of a range that another session has read, as many as a chunk has; gives how many. */
  link({ session, from, ...range }: LinkCall): number {
    return this.slot(session).sequence.link(this.slot(from).sequence, range, this.chunk);
  }

  /** Opens a session that goes on from where another stands. Refused where the index that it needs of its own will not fit. */
  fork({ session, from, trace }: { session: number; from: number; trace?: boolean }): void {
    const sequence = this.slot(from).sequence.fork({ trace });
    this.slots.set(session, { sequence, sampler: createSampler() });
    try {
      const what = `fork: the index of the pages of ${sequence.length.toLocaleString("en")} tokens`;
      expectFree(what, roomForIndex(sequence), this.freeBytes);
    } catch (error) {
      this.close({ session });
      throw error;
    }
  }

  /** Drops slots by a cache plan. */
  drop({ session, dropping, once }: { session: number; dropping: Dropping; once: boolean }): void {
    this.slot(session).sequence.drop(this.decoder, dropping, { once });
  }

  kept({ session }: { session: number }): KeptSlots[] {
    return this.slot(session).sequence.kept();
  }

  statistics({ session, layer }: { session: number; layer: number }): LayerStatistics | undefined {
    return this.slot(session).sequence.statistics(layer);
  }

  trace({ session }: { session: number }): TracedHead[] {
    const { trace, length } = this.slot(session).sequence;
    if (!trace)
      throw new InputError("trace: expected a session that is traced, got another. Open it with { trace: true }.");
    return trace.heads(length);
  }

  /** Reads tokens in a copy that is thrown away, to see what they look at among tokens [start, end). */
  readAgain({
    session,
    start,
    end,
    tokenIds,
  }: {
    session: number;
    start: number;
    end: number;
    tokenIds: Int32Array;
  }): void {
    readAgain(this.slot(session).sequence.readingAgain(start, end), this.decoder, tokenIds, this.chunk);
  }

  /** Begins to read tokens layer by layer. */
  beginLayers({ session, tokenIds }: { session: number; tokenIds: Int32Array }): void {
    const { heap, pool, decoder } = this;
    const slot = this.slot(session);
    slot.layerMajor = new LayerMajorRead({ heap, pool, decoder, sequence: slot.sequence }, tokenIds);
  }

  layerChunk({ session, layer, first, count, dropping, last, targets }: LayerChunkCall): PrefillResult {
    const { sequence, layerMajor } = this.slot(session);
    layerMajor?.step(layer, first, count);
    if (last) this.keepLogits([sequence], count - 1);
    const logProbs = targets && targetLogProbs(this.decoder, targets, this.config.vocabularySize);
    if (dropping) layerMajor?.drop(layer, dropping);
    return { logProbs };
  }

  /** Ends reading layer by layer; what was read by some layers only is forgotten, with all else. */
  endLayers({ session, isComplete }: { session: number; isComplete: boolean }): void {
    const slot = this.slot(session);
    slot.layerMajor?.dispose();
    slot.layerMajor = undefined;
    if (!isComplete) slot.sequence.truncate(0);
  }

  /** Begins to read a prompt by a token selection, in an empty session, or its end in one that awaits it. */
  beginSelecting({
    session,
    tokenIds,
    select,
  }: {
    session: number;
    tokenIds: Int32Array;
    select: CompleteChoice;
  }): void {
    const { team, heap, pool, config, decoder, space } = this;
    const slot = this.slot(session);
    const { sequence } = slot;
    const parts = { team, heap, pool, config, decoder, space, sequence };
    const selection = selectionFor(select, sequence.length + tokenIds.length, sequence.length);
    if (!selection) throw new Error(`select: "${select.method}" leaves out none of ${tokenIds.length} tokens`);
    slot.selecting = new SelectingRead(parts, tokenIds, selection);
  }

  selectingChunk({ session, of, first, count, last }: SelectingChunkCall): void {
    const { sequence, selecting } = this.slot(session);
    if (of === "all") selecting?.readAll(first, count);
    else selecting?.readSelected(first, count);
    if (last) this.keepLogits([sequence], count - 1);
  }

  /** Ends reading by a token selection; what was read in part is forgotten. Gives how many tokens the session holds. */
  endSelecting({ session, isComplete }: { session: number; isComplete: boolean }): number {
    const slot = this.slot(session);
    slot.selecting?.finish(isComplete);
    slot.selecting = undefined;
    return slot.sequence.length;
  }

  /** Refuses a prompt whose pages will not fit, before its first chunk is read. */
  expectRoom({ session, tokens, schedule }: { session: number; tokens: number; schedule: RoomSchedule }): void {
    const needed = roomFor(this.slot(session).sequence, this.config, tokens, schedule);
    expectFree(`prompt: the KV cache of ${tokens.toLocaleString("en")} more tokens`, needed, this.freeBytes);
  }

  private get freeBytes(): number {
    return this.pool.freeBytes + Math.min(this.heap.availableBytes, this.host.freeMemoryBytes());
  }

  /**
   * Computes a chunk; the logits after its last token are kept if it is the `last`. Returned are all of its logits if `all`, its hidden
   * states if `hidden`, and the log probability of every target if there are `targets`.
   */
  prefill({ session, tokenIds, tokensAfter, last = tokensAfter === 0, ...wanted }: PrefillCall): PrefillResult {
    const { sequence } = this.slot(session);
    const { decoder } = this;
    const { vocabularySize } = this.config;
    const { all, hidden, targets } = wanted;
    sequence.run(decoder, tokenIds, { tracing: last ? "prompt" : undefined, tokensAfter });
    if (last) this.keepLogits([sequence], tokenIds.length - 1);
    return {
      hidden: hidden ? allHidden(decoder, tokenIds.length) : undefined,
      logits: all ? allLogits(decoder, tokenIds.length, vocabularySize) : undefined,
      logProbs: targets && targetLogProbs(decoder, targets, vocabularySize),
    };
  }

  /** Of rows [first, first + sequences) of what was computed last. */
  private keepLogits(sequences: readonly Sequence[], first: number): void {
    const { logits, stride } = this.decoder.logits(first, sequences.length);
    const { vocabularySize } = this.config;
    sequences.forEach((sequence, row) => {
      sequence.logits ??= new Float32Array(vocabularySize);
      sequence.logits.set(logits.subarray(row * stride, row * stride + vocabularySize));
    });
  }

  /** Forgets all but the first tokens; gives how many are left, and whether the next reading has to bring the prompt's end. */
  truncate({ session, length }: { session: number; length: number }): Truncated {
    const { sequence } = this.slot(session);
    return { length: sequence.truncate(length), awaitsEnd: sequence.awaitsEnd };
  }

  /** Sets how a session samples, and samples its next token from the kept logits. */
  begin({ session, options, logProbs, mask }: BeginCall): BeginResult {
    const slot = this.slot(session);
    slot.sampler = createSampler(options);
    slot.logProbs = logProbs;
    return { first: this.sample(slot, mask), canRunAhead: slot.sequence.canRunAhead };
  }

  /** Computes a token of each of several sessions, together where their plans allow it, and samples the next of each. */
  step({ steps }: { steps: readonly Step[] }): Stepped[] {
    const ahead = steps.length === 1 ? this.stepAhead(steps[0]) : undefined;
    if (ahead) return [ahead];
    const runs = steps.map(({ session, tokenId, mask }) => ({ slot: this.slot(session), tokenId, mask }));
    const together = runs.filter(({ slot }) => slot.sequence.isPlain);
    const alone = runs.filter(({ slot }) => !slot.sequence.isPlain);
    for (const group of [together, ...alone.map((run) => [run])]) {
      if (group.length === 0) continue;
      const sequences = group.map(({ slot }) => slot.sequence);
      Sequence.step(
        this.decoder,
        sequences,
        Int32Array.from(group, ({ tokenId }) => tokenId),
      );
      this.keepLogits(sequences, 0);
    }
    return runs.map(({ slot, mask }) => ({ next: [this.sample(slot, mask)], drafted: 0 }));
  }

  private stepAhead(step: Step): Stepped | undefined {
    const { decoder, space } = this;
    const slot = this.slot(step.session);
    return stepAhead({ decoder, shapes: space.shapes }, slot.sequence, step, (logits) => this.sampleFrom(logits, slot));
  }

  /** Goes back to the first `length` tokens, of which `tokenId` is the last, where more were computed ahead. */
  stepBack({ session, length, tokenId }: { session: number; length: number; tokenId: number }): void {
    const { sequence } = this.slot(session);
    cut(sequence, length - 1);
    Sequence.step(this.decoder, [sequence], Int32Array.of(tokenId));
    this.keepLogits([sequence], 0);
  }

  private sample(slot: Slot, mask?: Uint32Array): Sampled {
    const { logits } = slot.sequence;
    if (!logits)
      throw new InputError("generate: expected tokens read since truncate(), got none. Call prefill() first.");
    return this.sampleFrom(logits, slot, mask);
  }

  private sampleFrom(logits: Float32Array, { sampler, logProbs }: Slot, mask?: Uint32Array): Sampled {
    const tokenId = sampler(logits, mask);
    return logProbs === undefined ? { tokenId } : withLogProbs(logits, tokenId, logProbs);
  }

  seenPages({ session }: { session: number }): SeenPages[] {
    return this.slot(session).sequence.sparsePrefill?.pages() ?? [];
  }

  recall({ session }: { session: number }): ReturnType<Sequence["recall"]> {
    return this.slot(session).sequence.recall();
  }

  memory({ session }: { session: number }): SessionMemory {
    const { bytes, stores } = this.slot(session).sequence;
    return { cacheBytes: bytes, pages: stores.pages };
  }

  engineMemory(): EngineMemory {
    const { weightBytes, workBytes, pool, heap } = this;
    return { weightBytes, workBytes, cacheBytes: pool.usedBytes, totalBytes: heap.usedBytes };
  }

  close({ session }: { session: number }): void {
    this.slots.get(session)?.layerMajor?.dispose();
    this.slots.get(session)?.selecting?.finish(false);
    this.slots.get(session)?.sequence.dispose();
    this.slots.delete(session);
  }

  async stop(): Promise<void> {
    await this.team.stop();
  }

  private slot(session: number): Slot {
    const slot = this.slots.get(session);
    if (!slot) throw new InputError("session: expected an open one, got one that was disposed. Open another.");
    return slot;
  }
}
