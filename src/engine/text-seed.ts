/** What the pages of a text depend on besides its tokens: the model's file, how positions are told, how pages are kept. */
import type { Plan } from "../context/plan.ts";
import type { ByteSource } from "../platform/platform.ts";
import { sha256 } from "./stored-text.ts";

/** Raised when pages of the same text come to be other bytes. */
const LAYOUT = 1;
/** Raised when a prefill method comes to choose other pages by the same options. */
const CHOICE = 2;
/** All metadata of usual files, then pieces all through the weights: two quantisations or fine-tunes differ nearly everywhere. */
const HEAD_BYTES = 8 << 20;
const PIECE_BYTES = 16 << 10;
const PIECES = 256;

export async function modelSeed(file: ByteSource): Promise<Uint8Array> {
  const head = Math.min(file.size, HEAD_BYTES);
  const size = Math.min(file.size, PIECE_BYTES);
  const sample = new Uint8Array(head + PIECES * size);
  file.read(0, sample.subarray(0, head));
  for (let i = 0; i < PIECES; i++) {
    const at = head + i * size;
    file.read(Math.floor(((file.size - size) * i) / (PIECES - 1)), sample.subarray(at, at + size));
  }
  return hashOf([new TextEncoder().encode(`${LAYOUT} ${file.size}`), sample]);
}

/** `below`: of what is below a selection, the number of layers there; what it then selects changes nothing of it. */
export function textSeed(model: Uint8Array, plan: Plan, below?: number): Promise<Uint8Array> {
  const { position, cache } = plan;
  const { format, layers } = cache;
  const prefill = below === undefined ? plan.prefill : { ...plan.prefill, select: undefined };
  const isFull = prefill.method === "full";
  const facts = { position, format, layers, ...(!isFull && { prefill, choice: CHOICE }), below };
  return hashOf([model, new TextEncoder().encode(JSON.stringify(facts))]);
}

async function hashOf(parts: readonly Uint8Array[]): Promise<Uint8Array> {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return sha256(all);
}
