/** What a sequence attends to when heads come in pieces: position methods in the engine, without a model around them. */
import assert from "node:assert/strict";
import { parsePlan } from "../../src/context/plan.ts";
import { PagePool } from "../../src/engine/page-pool.ts";
import { Sequence } from "../../src/engine/sequence.ts";
import { SequenceSpace } from "../../src/engine/sequence-space.ts";
import type { ModelConfig } from "../../src/model/config.ts";
import type { Decoder, LayerContext } from "../../src/model/decoder.ts";
import { attentionScratchBytes, PAGE_SLOTS } from "../../src/ops/attention.ts";
import { type KernelSpace, withTeam } from "./kernels.ts";
import type { HeadShape, Heads } from "./position-reference.ts";
import { randomFloats } from "./random.ts";

/** Most tokens of a piece. */
export const MOST_TOKENS = 192;

/** Tokens at a time of what is taken back. */
const DETOUR_TOKENS = 20;

/** So many tokens more, or what is left; below 0: so many of another text, which are taken back; or go on in a fork. */
export type Piece = number | "fork";

export interface Attended {
  readonly out: Float32Array;
  /** At the end: pages held, and bytes in use. */
  readonly memory: { readonly pages: number; readonly used: number };
}

export function randomHeads({ heads, kvHeads, headDim }: HeadShape, tokens: number): Heads {
  return {
    q: randomFloats(tokens * heads * headDim, 1),
    k: randomFloats(tokens * kvHeads * headDim, 2),
    v: randomFloats(tokens * kvHeads * headDim, 3),
  };
}

/** A layer that was made for 1,024 tokens reads the heads in these pieces. */
export async function attendInPieces(
  shape: HeadShape,
  inputs: Heads,
  { position, pieces, format }: { position: object; pieces: readonly Piece[]; format: "f32" | "q8" },
): Promise<Attended> {
  const { heads, kvHeads, headDim, base } = shape;
  const config = {
    ...{ contextLength: 1024, numHeads: heads, numKvHeads: kvHeads, headDim, attentionScale: headDim ** -0.5 },
    ...{ rotary: headDim, ropeInterleaved: false, layers: [{ window: 0, rope: { base } }] },
  } as unknown as ModelConfig;
  const out = new Float32Array(inputs.q.length);
  const length = inputs.q.length / heads / headDim;
  let memory = { pages: 0, used: 0 };
  const use = ({ heap, team }: KernelSpace) => {
    const pool = new PagePool(heap);
    const space = new SequenceSpace(heap, config, MOST_TOKENS);
    const plan = parsePlan({ position, cache: { format } });
    let sequence = new Sequence({ team, heap, pool, config, space, plan });
    const [q, k, v, result] = [heads, kvHeads, kvHeads, heads].map((rows) =>
      heap.allocate(MOST_TOKENS * rows * headDim * 4),
    );
    const read = (tokens: number, begin = sequence.length) => {
      const isText = begin === sequence.length;
      const part = (values: Float32Array, rows: number) =>
        values.subarray(begin * rows * headDim, (begin + tokens) * rows * headDim);
      const forward = (_: Int32Array, context: LayerContext) => {
        heap.floats(q, tokens * heads * headDim).set(part(inputs.q, heads));
        heap.floats(k, tokens * kvHeads * headDim).set(part(inputs.k, kvHeads));
        heap.floats(v, tokens * kvHeads * headDim).set(part(inputs.v, kvHeads));
        context.rotate(0, q, k);
        context.append(0, k, v);
        context.attend(0, result, q);
        if (isText) part(out, heads).set(heap.floats(result, tokens * heads * headDim));
      };
      sequence.run({ forward } as unknown as Decoder, new Int32Array(tokens));
    };
    for (const piece of pieces)
      if (piece === "fork") {
        const copy = sequence.fork();
        sequence.dispose();
        sequence = copy;
      } else if (piece < 0) {
        const { length: kept } = sequence;
        for (let left = -piece; left > 0; left -= DETOUR_TOKENS) read(Math.min(left, DETOUR_TOKENS), 0);
        sequence.stores.truncate(kept);
      } else if (sequence.length < length) read(Math.min(piece, length - sequence.length));
    assert.equal(sequence.length, length, "the pieces are not the text");
    memory = { pages: sequence.stores.pages, used: pool.usedBytes };
    assert.ok(sequence.stores.bytes <= pool.usedBytes);
    sequence.dispose();
    assert.equal(pool.usedBytes, 0, "pages were lost");
  };
  await withTeam("relaxed", 2, use, attentionScratchBytes(config, PAGE_SLOTS));
  return { out, memory };
}

export function largestError(actual: Float32Array, expected: Float64Array): number {
  return actual.reduce((largest, value, i) => Math.max(largest, Math.abs(value - expected[i])), 0);
}
