/**
 * Reading by a plan's token selection, in the controller: all tokens go through the lower layers, chunk by chunk; the last of these
 * says which go on; these go through the layers above, whose pages hold them and no others (context/select/layout.ts), or from the
 * first layer on through all of them.
 */
import { selectedPositions } from "../context/select/layout.ts";
import { type Selection, scoringLayers } from "../context/select/registry.ts";
import type { Decoder } from "../model/decoder.ts";
import type { SharedHeap } from "../runtime/memory.ts";
import type { Team } from "../runtime/team.ts";
import { AskingTokens } from "./asking-tokens.ts";
import type { LayerShape } from "./layer-shapes.ts";
import type { PagePool } from "./page-pool.ts";
import type { Sequence } from "./sequence.ts";
import { WaitingTokens } from "./waiting-tokens.ts";

export interface SelectingParts {
  readonly team: Team;
  readonly heap: SharedHeap;
  readonly pool: PagePool;
  readonly shapes: readonly LayerShape[];
  readonly decoder: Decoder;
  /** Empty. */
  readonly sequence: Sequence;
}

export class SelectingRead {
  private readonly parts: SelectingParts;
  private readonly tokenIds: Int32Array;
  private readonly selection: Selection;
  /** Layers that score. */
  private readonly lower: number;
  private readonly asking: AskingTokens;
  private readonly waiting: WaitingTokens;
  /** Positions of the tokens that go on, once they are known. */
  private selected?: Int32Array<ArrayBuffer>;

  constructor(parts: SelectingParts, tokenIds: Int32Array, selection: Selection) {
    const { shapes, decoder } = parts;
    const { steps } = selection;
    this.parts = parts;
    this.tokenIds = tokenIds;
    this.selection = selection;
    this.lower = scoringLayers(steps, shapes.length);
    const layer = this.lower - 1;
    const end = tokenIds.length;
    this.asking = new AskingTokens({ ...parts, shape: shapes[layer] }, { layer, first: end - steps.window, end });
    this.waiting = new WaitingTokens(parts, decoder.config.hiddenSize);
  }

  private get isRepeated(): boolean {
    return this.selection.steps.from === "beginning";
  }

  /** Runs tokens [first, first + count) through the lower layers; chunks come in order. */
  readAll(first: number, count: number): void {
    const { decoder, sequence } = this.parts;
    const { tokenIds, lower, isRepeated, asking } = this;
    const tokensAfter = tokenIds.length - first - count;
    const tracing = tokensAfter === 0 && !isRepeated ? "prompt" : undefined;
    decoder.embed(tokenIds.subarray(first, first + count));
    sequence.runLayers(decoder, { first: 0, end: lower }, { tokens: count, tokensAfter, tracing }, (context) =>
      asking.around(context, first, count),
    );
    if (!isRepeated) this.waiting.append(decoder.stream, count);
    if (tokensAfter === 0) this.select();
  }

  private select(): void {
    const { sequence } = this.parts;
    const { layout, score } = this.selection;
    const weights = this.asking.weights(sequence.stores.caches[0]);
    this.selected = selectedPositions(layout, score(weights));
    if (this.isRepeated) sequence.truncate(0);
    else sequence.stores.length = 0;
  }

  /** Runs the tokens [first, first + count) of those that go on through the other layers. The decoder holds their stream after it. */
  readSelected(first: number, count: number): void {
    const { decoder, sequence, shapes } = this.parts;
    const { tokenIds, lower, selected, isRepeated, selection } = this;
    if (!selected) throw new Error("select: the lower layers have not seen all tokens yet");
    const positions = selected.subarray(first, first + count);
    const isClosedUp = selection.steps.positions === "closed-up";
    const turns = isClosedUp ? positions.map((_, i) => first + i) : positions;
    const tokensAfter = selected.length - first - count;
    const tracing = tokensAfter === 0 ? "prompt" : undefined;
    if (isRepeated) decoder.embed(positions.map((position) => tokenIds[position]));
    else this.waiting.copy(positions, decoder.stream);
    const run = { tokens: count, tokensAfter, tracing, places: { positions, turns } } as const;
    sequence.runLayers(decoder, { first: isRepeated ? 0 : lower, end: shapes.length }, run);
    if (tokensAfter === 0) sequence.leaveOut(tokenIds.length, isClosedUp);
  }

  /** Gives back what was taken; what was read in part is forgotten. */
  end(isComplete: boolean): void {
    const { sequence } = this.parts;
    this.asking.dispose();
    this.waiting.dispose();
    if (isComplete) return;
    // So that there is something to forget, wherever it was broken off.
    sequence.stores.length = this.tokenIds.length;
    sequence.truncate(0);
  }
}
