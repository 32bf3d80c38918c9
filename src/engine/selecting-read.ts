/**
 * Reading by a plan's token selection, in the controller: all tokens go through the lower layers, chunk by chunk, and the layer above
 * these gets their keys, so that the attention of those that ask says which go on. The keys are then forgotten, and the chosen ones go
 * through this layer and those above, whose pages hold them and no others (context/select/layout.ts), or from the first layer on through
 * all of them. Where the sequence awaits another end of its prompt, only that is read by the lower layers.
 */
import { selectedPositions } from "../context/select/layout.ts";
import { type Selection, scoringLayers } from "../context/select/registry.ts";
import type { Decoder } from "../model/decoder.ts";
import { AskingTokens } from "./asking-tokens.ts";
import { type BelowSelection, belowPlan } from "./below-selection.ts";
import { Chunk, type ChunkParts } from "./chunk.ts";
import type { Sequence } from "./sequence.ts";

export interface SelectingParts extends ChunkParts {
  readonly decoder: Decoder;
  /** Empty, or one that awaits the end of its prompt. */
  readonly sequence: Sequence;
}

export class SelectingRead {
  private readonly parts: SelectingParts;
  private readonly tokenIds: Int32Array;
  private readonly selection: Selection;
  /** Tokens that the lower layers hold already, and of the whole prompt. */
  private readonly begin: number;
  private readonly end: number;
  /** Layers that all tokens go through; the next one scores. */
  private readonly lower: number;
  private readonly asking: AskingTokens;
  /** Where those that go on do so from where they stand. */
  private readonly below?: BelowSelection;
  /** Positions of the tokens that go on, once they are known. */
  private selected?: Int32Array<ArrayBuffer>;

  constructor(parts: SelectingParts, tokenIds: Int32Array, selection: Selection) {
    const { sequence } = parts;
    const { shapes } = parts.space;
    const { steps } = selection;
    this.parts = parts;
    this.tokenIds = tokenIds;
    this.selection = selection;
    this.lower = scoringLayers(steps, shapes.length) - 1;
    this.begin = sequence.length;
    this.end = this.begin + tokenIds.length;
    const asking = { layer: this.lower, first: this.end - steps.window, end: this.end };
    this.asking = new AskingTokens({ ...parts, shape: shapes[this.lower] }, asking);
    const plan = belowPlan(steps, shapes.length, sequence.sparsePrefill?.needs.lastTokens);
    if (plan) this.below = sequence.beginBelow(plan);
  }

  /** Runs tokens [first, first + count) of the prompt through the lower layers; chunks come in order. */
  readAll(first: number, count: number): void {
    const { decoder, sequence } = this.parts;
    const { tokenIds, begin, end, lower, below } = this;
    const tokensAfter = end - first - count;
    const tracing = tokensAfter === 0 && below ? "prompt" : undefined;
    if (first === begin) this.keysOfWaiting();
    decoder.embed(tokenIds.subarray(first - begin, first - begin + count));
    sequence.runLayers(decoder, { first: 0, end: lower }, { tokens: count, tokensAfter, tracing });
    below?.waiting.append(decoder.stream, count);
    this.appendKeys(first, count);
    if (tokensAfter === 0) this.select();
  }

  /** Of tokens that the lower layers had read before. */
  private keysOfWaiting(): void {
    const { begin, below } = this;
    const { decoder } = this.parts;
    for (let first = 0; first < begin; first += decoder.maxRows) {
      const count = Math.min(decoder.maxRows, begin - first);
      below?.waiting.copy(
        Int32Array.from({ length: count }, (_, row) => first + row),
        decoder.stream,
      );
      this.appendKeys(first, count);
    }
  }

  /** Gives the layer that scores the keys of tokens whose stream the decoder holds. */
  private appendKeys(first: number, count: number): void {
    const { decoder, sequence } = this.parts;
    const { lower, asking } = this;
    const { stores, rotation } = sequence;
    stores.length = first;
    const chunk = new Chunk(this.parts, [{ sequence: { stores, rotation }, tokens: count }]);
    asking.keep(decoder.appendKeys(lower, count, chunk), first, count);
    stores.advanceLayer(lower, count);
    chunk.end();
  }

  private select(): void {
    const { sequence } = this.parts;
    const { layout, score } = this.selection;
    const weights = this.asking.weights(sequence.stores.caches[0]);
    this.selected = selectedPositions(layout, score(weights));
    if (!this.below) return void sequence.truncate(0);
    sequence.stores.forgetLayer(this.lower);
    sequence.stores.length = 0;
  }

  /** Runs the tokens [first, first + count) of those that go on through the other layers. The decoder holds their stream after it. */
  readSelected(first: number, count: number): void {
    const { decoder, sequence, space } = this.parts;
    const { tokenIds, end, lower, selected, below, selection } = this;
    if (!selected) throw new Error("select: the lower layers have not seen all tokens yet");
    const positions = selected.subarray(first, first + count);
    const isClosedUp = selection.steps.positions === "closed-up";
    const turns = isClosedUp ? positions.map((_, i) => first + i) : positions;
    const tokensAfter = selected.length - first - count;
    const tracing = tokensAfter === 0 ? "prompt" : undefined;
    if (below) below.waiting.copy(positions, decoder.stream);
    else decoder.embed(positions.map((position) => tokenIds[position]));
    const run = { tokens: count, tokensAfter, tracing, places: { positions, turns } } as const;
    sequence.runLayers(decoder, { first: below ? lower : 0, end: space.shapes.length }, run);
    if (tokensAfter === 0) sequence.leaveOut(end, isClosedUp);
  }

  /** Gives back what was taken; what was read in part is forgotten. */
  finish(isComplete: boolean): void {
    const { sequence } = this.parts;
    const { begin, end, below } = this;
    this.asking.dispose();
    if (isComplete) return;
    // So that there is something to forget, wherever it was broken off.
    sequence.stores.length = end;
    if (below) sequence.awaitEnd(below, begin);
    else sequence.truncate(0);
  }
}
