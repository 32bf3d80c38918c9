/** The calling side of a sequence: cuts prompts into chunks, drives generation token by token, ends on time. */
import type { Plan } from "../context/plan.ts";
import { CapacityError, InputError } from "../runtime/errors.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { ControllerMethods } from "./controller.ts";
import type { Caller } from "./rpc.ts";
import { StopText } from "./stop-text.ts";
import type { GeneratedToken, GenerateOptions, ModelInfo, PrefillOptions, Session, SessionMemory } from "./types.ts";

export interface SessionParts {
  id: number;
  caller: Caller<ControllerMethods>;
  model: ModelInfo;
  tokenizer: Tokenizer;
  plan: Plan;
  chunk: number;
  contextLength: number;
}

export class EngineSession implements Session {
  length = 0;
  private readonly parts: SessionParts;
  /** Calls of one session run one after the other. */
  private busy = false;

  constructor(parts: SessionParts) {
    this.parts = parts;
  }

  get plan(): Plan {
    return this.parts.plan;
  }

  get contextLength(): number {
    return this.parts.contextLength;
  }

  async prefill(tokenIds: ArrayLike<number>, options: PrefillOptions = {}): Promise<void> {
    const { onProgress, signal, onLogits, onLogProbs } = options;
    const { caller, id: session, chunk } = this.parts;
    this.checkTokens(tokenIds);
    const targets = onLogProbs && this.checkTargets(options.targets, tokenIds.length);
    await this.exclusively(async () => {
      await caller.call("expectRoom", { session, tokens: tokenIds.length });
      for (let first = 0; first < tokenIds.length; first += chunk) {
        signal?.throwIfAborted();
        const ids = Int32Array.from(
          { length: Math.min(chunk, tokenIds.length - first) },
          (_, i) => tokenIds[first + i],
        );
        const last = first + ids.length === tokenIds.length;
        const all = onLogits !== undefined;
        const wanted = targets?.slice(first, first + ids.length);
        const call = { session, tokenIds: ids, last, all, targets: wanted };
        const { logits, logProbs } = await caller.call("prefill", call);
        this.length += ids.length;
        if (logits) onLogits?.(logits, first);
        if (logProbs) onLogProbs?.(logProbs, first);
        onProgress?.(first + ids.length, tokenIds.length);
      }
    });
  }

  private checkTokens(tokenIds: ArrayLike<number>): void {
    const { contextLength, model } = this.parts;
    const { vocabularySize } = model;
    const total = this.length + tokenIds.length;
    if (tokenIds.length === 0) throw new InputError("prefill: expected at least one token, got none. Give some text.");
    if (total > contextLength)
      throw new CapacityError(
        `prompt: ${total.toLocaleString("en")} tokens, the context is ${contextLength.toLocaleString("en")}. ` +
          "Shorten the text, use a model with a longer context, or a plan whose position method reaches further.",
        { expected: contextLength, got: total },
      );
    for (let i = 0; i < tokenIds.length; i++) {
      const id = tokenIds[i];
      if (!Number.isInteger(id) || id < 0 || id >= vocabularySize)
        throw new InputError(`prefill: token ${i}: expected an id from 0 to ${vocabularySize - 1}, got ${id}.`, {
          got: id,
        });
    }
  }

  private checkTargets(targets: ArrayLike<number> = [], expected: number): Int32Array {
    const { vocabularySize } = this.parts.model;
    if (targets.length !== expected)
      throw new InputError(
        `prefill: expected a target for each of ${expected} tokens, got ${targets.length}. Give -1 where none is wanted.`,
        { expected, got: targets.length },
      );
    for (let i = 0; i < targets.length; i++)
      if (!Number.isInteger(targets[i]) || targets[i] < -1 || targets[i] >= vocabularySize)
        throw new InputError(
          `prefill: target ${i}: expected an id from 0 to ${vocabularySize - 1}, or -1, got ${targets[i]}.`,
          { got: targets[i] },
        );
    return Int32Array.from(targets);
  }

  async truncate(length: number): Promise<number> {
    if (!Number.isInteger(length) || length < 0)
      throw new InputError(`truncate: expected a number of tokens, got ${length}.`, { got: length });
    return this.exclusively(async () => {
      this.length = await this.parts.caller.call("truncate", { session: this.parts.id, length });
      return this.length;
    });
  }

  async *generate(options: GenerateOptions = {}): AsyncGenerator<GeneratedToken> {
    const { maxTokens = Number.POSITIVE_INFINITY, stop = [], ignoreEnd = false, signal, ...sampling } = options;
    const { caller, id: session, tokenizer, contextLength } = this.parts;
    if (this.length === 0) throw new InputError("generate: the session is empty. Call prefill() first.");
    this.begin();
    try {
      await caller.call("sampling", { session, options: sampling });
      const text = tokenizer.decoder();
      const stops = new StopText(stop);
      // The sequence's last token, as long as some of its text may still come. Yielded before the sequence grows again.
      let held: GeneratedToken | undefined;
      for (let n = 0; n < maxTokens && this.length < contextLength && !signal?.aborted; n++) {
        const tokenId = await caller.call("sample", { session });
        if (!ignoreEnd && tokenizer.endIds.has(tokenId)) break;
        if (held) yield held;
        // The next step starts while the caller uses this token.
        this.length++;
        const step = caller.call("prefill", { session, tokenIds: Int32Array.of(tokenId), last: true, all: false });
        step.catch(() => {}); // reported by the await below, or by the next call if the caller stops here
        const token = { tokenId, text: stops.push(text.push(tokenId)) };
        held = text.isIncomplete || stops.isPending ? token : undefined;
        if (!held) yield token;
        await step;
        if (stops.found) return;
      }
      if (held) yield { tokenId: held.tokenId, text: held.text + stops.push(text.flush()) + stops.flush() };
      signal?.throwIfAborted();
    } finally {
      this.busy = false;
    }
  }

  memory(): Promise<SessionMemory> {
    return this.parts.caller.call("memory", { session: this.parts.id });
  }

  async dispose(): Promise<void> {
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
