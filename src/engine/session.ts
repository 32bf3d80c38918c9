/** The calling side of a sequence: cuts prompts into chunks, drives generation token by token, ends on time. */
import { type CachePlan, droppingOf } from "../context/cache/plan.ts";
import type { Plan } from "../context/plan.ts";
import type { PrefillNeeds } from "../context/prefill/method.ts";
import { prefillOf } from "../context/prefill/plan.ts";
import { PAGE_SLOTS } from "../ops/attention.ts";
import { InputError, UnsupportedError } from "../runtime/errors.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { belowPlanOf } from "./below-selection.ts";
import type { ControllerMethods } from "./controller-methods.ts";
import { generate } from "./generate.ts";
import { needsOf } from "./needs.ts";
import { checkLength, checkRange, checkTargets, checkTokens, refuseWaiting } from "./prompt-checks.ts";
import { readTextAgain } from "./read-again.ts";
import { readByLayers } from "./read-by-layers.ts";
import { readSelected, type SelectedReading, selectedReading } from "./read-selected.ts";
import type { Caller } from "./rpc.ts";
import { type Schedule, scheduleOf } from "./schedule.ts";
import { chunkFor, LEAST_REST, wholeBlocksFor } from "./shared-prefix.ts";
import { type Speculator, speculatorOf } from "./speculation.ts";
import type { Stepper } from "./stepper.ts";
import { blocksOf, type StoredText } from "./stored-text.ts";
import type {
  GeneratedToken,
  GenerateOptions,
  KeptSlots,
  LayerStatistics,
  LinkOptions,
  ModelInfo,
  PrefillOptions,
  RecalledHead,
  SeenPages,
  Session,
  SessionMemory,
  SpeculationCounts,
  TracedHead,
} from "./types.ts";

export interface SessionParts {
  id: number;
  caller: Caller<ControllerMethods>;
  model: ModelInfo;
  tokenizer: Tokenizer;
  plan: Plan;
  chunk: number;
  contextLength: number;
  collect: readonly CachePlan[];
  /** Of the text in a store, where there is one and pages are those of the text alone. */
  stored?: StoredText;
  /** The same of what is below the plan's selection. */
  storedBelow?: StoredText;
  /** Ids of further sessions. */
  nextId: () => number;
  stepper: Stepper;
}

/** A chunk's tokens while other sessions are written: their next token waits for it. */
const SHARED_CHUNK = 128;

export class EngineSession implements Session {
  length = 0;
  restored = 0;
  private readonly parts: SessionParts;
  /** Calls of one session run one after the other. */
  private busy = false;
  private readonly schedule: Schedule;
  private readonly needs: ReturnType<typeof needsOf>;
  /** Where the plan has tokens guessed. */
  private readonly speculator?: Speculator;
  /** What was read, where a score wants it read again. */
  private readonly text?: number[];
  /** Length of the text when it was last read again. */
  private readAgainAt = 0;
  /** It holds the beginning of a prompt in the lower layers of a selection, and the end is still to come. */
  awaitsEnd: boolean;

  constructor(parts: SessionParts, from?: EngineSession) {
    this.parts = parts;
    this.length = from?.length ?? 0;
    this.schedule = scheduleOf(parts.plan.cache);
    this.needs = needsOf([parts.plan.cache, ...parts.collect]);
    this.speculator = speculatorOf(parts.plan.speculate, from?.speculator);
    if (this.needs.secondReading) this.text = [...(from?.text ?? [])];
    this.readAgainAt = from?.readAgainAt ?? 0;
    this.awaitsEnd = from?.awaitsEnd ?? false;
  }

  get plan(): Plan {
    return this.parts.plan;
  }

  get contextLength(): number {
    return this.parts.contextLength;
  }

  async prefill(tokenIds: ArrayLike<number>, options: PrefillOptions = {}): Promise<void> {
    const { caller, id: session } = this.parts;
    const { contextLength, model } = this.parts;
    checkTokens(tokenIds, { held: this.length, contextLength, model });
    const targets = options.onLogProbs && checkTargets(options.targets, tokenIds.length, model);
    const { schedule } = this;
    await this.exclusively(async () => {
      const ids = Int32Array.from(tokenIds);
      const { compress = true } = options;
      // The beginning of a text, and nothing is asked of its tokens on the way.
      const inAnyOrder = (this.length === 0 || this.awaitsEnd) && !options.onLogits && !options.onHidden;
      const byLayers = schedule.byLayers && compress && inAnyOrder;
      const selects = compress && inAnyOrder && !targets;
      if (!selects) refuseWaiting("prefill", this);
      const tokens = this.length + ids.length;
      const selected = selects ? selectedReading(this.plan.prefill, tokens, model.numLayers, this.length) : undefined;
      await caller.call("expectRoom", { session, tokens: ids.length, schedule: { ...schedule.room, selected } });
      this.speculator?.read(ids, this.length);
      const restores = inAnyOrder && !byLayers && !selected && !targets;
      this.restored = restores ? await this.beginFrom(this.parts.stored, ids, LEAST_REST) : 0;
      if (selected) await this.readSelected(ids, selected, options);
      else if (byLayers) await this.readByLayers(ids, targets, options);
      else await this.readByChunks(ids, this.restored, targets, options);
      for (const id of ids) this.text?.push(id);
      if (compress && this.parts.collect.some(needsSecondReading)) await this.readAgain();
      if (schedule.afterPrefill && compress && !byLayers) await this.drop(this.plan.cache);
    });
  }

  async restore(tokenIds: ArrayLike<number>): Promise<number> {
    const { contextLength, model } = this.parts;
    checkTokens(tokenIds, { held: this.length, contextLength, model });
    if (this.length > 0)
      throw new InputError(`restore: expected an empty session, got one of ${this.length} tokens. Open another.`);
    return this.exclusively(() => {
      this.speculator?.read(tokenIds, 0);
      return this.beginFrom(this.parts.stored, Int32Array.from(tokenIds), 0);
    });
  }

  /** Tokens from a store, where a plan needs nothing of them but their pages; the last `rest` are not. */
  private async beginFrom(stored: StoredText | undefined, tokenIds: Int32Array, rest: number): Promise<number> {
    const { caller, id: session } = this.parts;
    const { queries, statistics, attentionSums, secondReading } = this.needs;
    const dropsWhileReading = this.schedule.untilDue(0) !== Number.POSITIVE_INFINITY;
    const { lastTokens = 0, pattern } = this.prefillNeeds;
    if (!stored || pattern || statistics || attentionSums || secondReading || dropsWhileReading) return 0;
    try {
      this.length = await stored.restore(tokenIds, Math.max(rest, queries, lastTokens));
    } catch (error) {
      await caller.call("truncate", { session, length: 0 });
      throw error;
    }
    return this.length;
  }

  /** Tokens that are computed at once at most, as things stand. */
  private mostTokens(): number {
    const { stepper, chunk } = this.parts;
    return stepper.isBusy ? Math.min(SHARED_CHUNK, chunk) : chunk;
  }

  private get isSparse(): boolean {
    return this.plan.prefill.method !== "full";
  }

  private get prefillNeeds(): PrefillNeeds {
    const { technique, options } = prefillOf(this.plan.prefill);
    return technique.needs?.(options) ?? {};
  }

  private async readByChunks(
    tokenIds: Int32Array,
    from: number,
    targets: Int32Array | undefined,
    options: PrefillOptions,
  ): Promise<void> {
    const { onProgress, signal, onLogits, onLogProbs, onHidden, tokensAfter = 0 } = options;
    const { caller, id: session, stored } = this.parts;
    const { dropping, isDue, untilDue } = this.schedule;
    const { isSparse } = this;
    const { lastTokens = 0, pattern } = this.prefillNeeds;
    // Of a block that was begun before, each part sees all, unlike the whole; patterns of what was read are not stored.
    if (pattern || (isSparse && this.length % PAGE_SLOTS > 0)) stored?.end();
    if (from > 0) onProgress?.(from, tokenIds.length);
    for (let first = from; first < tokenIds.length; ) {
      signal?.throwIfAborted();
      const chunk = this.mostTokens();
      const rest = tokenIds.length - first;
      const tokens = isSparse ? wholeBlocksFor(rest, chunk, this.length) : chunkFor(rest, chunk);
      const end = Math.min(first + tokens, first + untilDue(this.length));
      // What is read as the end of a prompt is not what a longer one would have there.
      const after = tokenIds.length - end + tokensAfter;
      if (after < lastTokens) stored?.end();
      const call = {
        ...{ session, tokensAfter: after, last: end === tokenIds.length },
        tokenIds: tokenIds.slice(first, end),
        all: onLogits !== undefined,
        hidden: onHidden !== undefined,
        targets: targets?.slice(first, end),
      };
      const { logits, logProbs, hidden } = await caller.call("prefill", call);
      this.length += end - first;
      await stored?.add(call.tokenIds, this.length - call.tokenIds.length);
      if (dropping && isDue(this.length, "reading")) {
        stored?.end();
        await caller.call("drop", { session, dropping, once: false });
      }
      if (logits) onLogits?.(logits, first);
      if (logProbs) onLogProbs?.(logProbs, first);
      if (hidden) onHidden?.(hidden, first);
      onProgress?.(end, tokenIds.length);
      first = end;
    }
  }

  private async readSelected(ids: Int32Array, reading: SelectedReading, options: PrefillOptions): Promise<void> {
    const { caller, id, model, stored, storedBelow } = this.parts;
    const { lastTokens = 0, pattern } = this.prefillNeeds;
    stored?.end();
    const below = belowPlanOf(this.plan.prefill, model.numLayers);
    if (below && reading.held === 0) this.restored = await this.beginFrom(storedBelow, ids, below.last);
    const { restored } = this;
    this.awaitsEnd ||= restored > 0;
    if (restored > 0) options.onProgress?.(restored, ids.length);
    // As in readByChunks(): what only this prompt has at its end, and what depends on patterns of what was read.
    if (pattern) storedBelow?.end();
    const onRead = async (chunk: Int32Array, begin: number) => {
      if (reading.tokens - begin - chunk.length < lastTokens) storedBelow?.end();
      await storedBelow?.add(chunk, begin);
    };
    const onProgress = (done: number) => options.onProgress?.(restored + done, ids.length);
    const rest = { ...reading, held: reading.held + restored };
    const how = { reading: rest, isSparse: this.isSparse, mostTokens: () => this.mostTokens(), onRead };
    this.length = await readSelected(caller, id, ids.subarray(restored), how, { ...options, onProgress });
    this.awaitsEnd = false;
  }

  private async readByLayers(ids: Int32Array, targets: Int32Array | undefined, options: PrefillOptions): Promise<void> {
    const { caller, id, chunk, model } = this.parts;
    const { schedule, isSparse } = this;
    const { dropping } = schedule;
    const reading = { tokenIds: ids, numLayers: model.numLayers, chunk, isSparse, dropping, targets };
    await readByLayers(caller, id, reading, options);
    this.length = ids.length;
  }

  async compress(cache: CachePlan = this.plan.cache): Promise<void> {
    await this.exclusively(() => this.drop(cache));
  }

  private async drop(cache: CachePlan): Promise<void> {
    const { caller, id: session } = this.parts;
    const dropping = droppingOf(cache);
    if (!dropping) return;
    refuseWaiting("compress", this);
    if (needsSecondReading(cache)) await this.readAgain();
    this.parts.stored?.end();
    await caller.call("drop", { session, dropping, once: true });
  }

  /** Reads the text part by part again, as the second reading's score says. */
  private async readAgain(): Promise<void> {
    const { caller, id, tokenizer } = this.parts;
    const { text = [] } = this;
    if (this.readAgainAt === text.length) return;
    await readTextAgain(caller, id, tokenizer, text);
    this.readAgainAt = text.length;
  }

  async fork({ trace }: { trace?: boolean } = {}): Promise<Session> {
    const { caller, id: from, nextId, stored, storedBelow } = this.parts;
    return this.exclusively(async () => {
      const id = nextId();
      await caller.call("fork", { session: id, from, trace });
      const copies = {
        stored: stored?.fork(blocksOf(caller, id)),
        storedBelow: storedBelow?.fork(blocksOf(caller, id, { isBelow: true })),
      };
      return new EngineSession({ ...this.parts, id, ...copies }, this);
    });
  }

  async link(from: Session, { start = 0, end = from.length, signal }: LinkOptions = {}): Promise<void> {
    const { caller, id: session, stored } = this.parts;
    if (!(from instanceof EngineSession) || from.parts.caller !== caller)
      throw new InputError("link: expected a session of the same engine, got another. Open both with one engine.");
    checkRange(start, end, from.length);
    for (const session of [this, from]) refuseWaiting("link", session);
    checkLength("link", this.length + end - start, this.parts.contextLength);
    if (this.schedule.byLayers || this.schedule.untilDue(0) !== Number.POSITIVE_INFINITY)
      throw new UnsupportedError(
        "link: expected a plan that drops nothing while it reads, got a schedule that does. Take another schedule.",
      );
    const work = async () => {
      const { room } = this.schedule;
      await caller.call("expectRoom", { session, tokens: end - start, schedule: room });
      this.speculator?.read(from.speculator?.part(start, end) ?? [], this.length);
      for (let at = start; at < end; ) {
        signal?.throwIfAborted();
        const linked = await caller.call("link", { session, from: from.parts.id, start: at, end });
        stored?.end();
        at += linked;
        this.length += linked;
      }
    };
    await from.exclusively(() => this.exclusively(work));
  }

  async truncate(length: number): Promise<number> {
    if (!Number.isInteger(length) || length < 0)
      throw new InputError(`truncate: expected a number of tokens, got ${length}.`, { got: length });
    return this.exclusively(async () => {
      const left = await this.parts.caller.call("truncate", { session: this.parts.id, length });
      this.length = left.length;
      this.awaitsEnd = left.awaitsEnd;
      for (const stored of [this.parts.stored, this.parts.storedBelow]) stored?.forget(this.length);
      if (this.text && this.length < this.text.length) {
        this.text.length = this.length;
        this.readAgainAt = 0;
      }
      return this.length;
    });
  }

  async *generate(options: GenerateOptions = {}): AsyncGenerator<GeneratedToken> {
    if (this.length === 0) throw new InputError("generate: the session is empty. Call prefill() first.");
    const { schedule, speculator } = this;
    this.begin();
    try {
      yield* generate({ ...this.parts, schedule, speculator, sequence: this, drop: () => this.dropAgain() }, options);
    } finally {
      this.busy = false;
    }
  }

  /** Drops what the plan's schedule says, as often as it says. */
  private async dropAgain(): Promise<void> {
    const { caller, id: session, stored } = this.parts;
    const { dropping } = this.schedule;
    if (!dropping) return;
    stored?.end();
    await caller.call("drop", { session, dropping, once: false });
  }

  /** What came of guessing tokens, where the plan has them guessed. */
  get speculation(): SpeculationCounts | undefined {
    return this.speculator?.counts;
  }

  kept(): Promise<readonly KeptSlots[]> {
    return this.parts.caller.call("kept", { session: this.parts.id });
  }

  async statistics(layer: number): Promise<LayerStatistics | undefined> {
    const { caller, id: session, model } = this.parts;
    if (!Number.isInteger(layer) || layer < 0 || layer >= model.numLayers)
      throw new InputError(`statistics: expected a layer from 0 to ${model.numLayers - 1}, got ${layer}.`, {
        got: layer,
      });
    return caller.call("statistics", { session, layer });
  }

  trace(): Promise<readonly TracedHead[]> {
    return this.parts.caller.call("trace", { session: this.parts.id });
  }

  seenPages(): Promise<readonly SeenPages[]> {
    return this.parts.caller.call("seenPages", { session: this.parts.id });
  }

  recall(): Promise<readonly RecalledHead[]> {
    return this.parts.caller.call("recall", { session: this.parts.id });
  }

  memory(): Promise<SessionMemory> {
    return this.parts.caller.call("memory", { session: this.parts.id });
  }

  async dispose(): Promise<void> {
    for (const stored of [this.parts.stored, this.parts.storedBelow]) await stored?.settled();
    await this.parts.caller.call("close", { session: this.parts.id });
  }

  private begin(): void {
    if (this.busy)
      throw new InputError(
        "session: expected one call at a time, got another while prefill or generate runs. Wait for it, or use two sessions.",
      );
    this.busy = true;
  }

  private async exclusively<T>(work: () => Promise<T>): Promise<T> {
    this.begin();
    try {
      return await work();
    } finally {
      this.busy = false;
    }
  }
}

function needsSecondReading(cache: CachePlan): boolean {
  return needsOf([cache]).secondReading;
}
