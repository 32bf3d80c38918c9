/**
 * How many operations a command does and what it reads, from its arguments as the wrappers beside this file give them. For profiles.
 *
 *   matmuls            2 · rows · inputs · outputs              outputs in whole panels
 *   attention          4 · rows · slots · D                     rows: tokens × heads of the group; slots: 64 of every listed page
 *   attentionColumns   4 · rows · slots · D                     scores only, twice
 *   blockMasses        heads of the group · 64 · 64 / S · D for every listed page
 *   rowMasses          2 · heads of the group · 4 · 64 · D for every listed page
 *   scorePages         2 · rows · vectors of the pages' records · D
 *   projectedNorms     2 · vectors · rows of the matrix · D
 *
 * What is listed counts, though it may be hidden from some rows, or from all: slots in the future, slots without a token.
 */
import type { KernelName } from "../runtime/kernels.ts";
import type { SharedHeap } from "../runtime/memory.ts";
import type { Arithmetic, Work } from "../runtime/profile.ts";
import { FLOAT_PAGE, LOW_BIT_PAGE, PAGE_SLOTS } from "./attention.ts";
import { ASKED_TOKENS } from "./block-masses.ts";
import { formatOf, type PageFormat, pageBytes } from "./page-low.ts";
import { PANEL_OUTPUTS, panelFormat } from "./panels.ts";

type Counter = (heap: SharedHeap, items: number, args: readonly number[]) => Work;

/** Arguments in the order of the kernels' own, behind their first three. */
const counters: Partial<Record<KernelName, Counter>> = {
  matmuls: (heap, _, [rows, table, count]) => total(matrices(heap, rows, table, count)),
  attention: (heap, items, [list, , , , , group, headDim]) =>
    total(attended(heap, { list, items, group, headDim }, ["keys", "values"])),
  attentionColumns: (heap, items, [list, , , , group, headDim]) =>
    total(attended(heap, { list, items, group, headDim }, ["keys", "keys"])),
  blockMasses(heap, items, [list, , , group, headDim, , stride]) {
    const pages = sum(readItems(heap, list, items), ({ entries }) => entries.length);
    const operations = group * ((PAGE_SLOTS * PAGE_SLOTS) / stride) * headDim * pages;
    return { operations: { i7: operations }, bytes: (pages * pageBytes("q8", headDim)) / 2 };
  },
  rowMasses(heap, items, [list, , , group, headDim]) {
    const pages = sum(readItems(heap, list, items), ({ entries }) => entries.length);
    const operations = 2 * group * ASKED_TOKENS * PAGE_SLOTS * headDim * pages;
    return { operations: { i7: operations }, bytes: (pages * pageBytes("q8", headDim)) / 2 };
  },
  scorePages(heap, items, [list, , , group, headDim, , runs, halves]) {
    const vectors = ({ entries }: Item) => entries.length * runs * halves;
    const all = readItems(heap, list, items);
    const operations = sum(all, (item) => 2 * item.tokens * group * vectors(item) * headDim);
    return { operations: { f32: operations }, bytes: sum(all, vectors) * headDim * 4 };
  },
  projectedNorms: (_heap, _items, [vectors, headDim, , , rows]) => {
    return { operations: { f32: 2 * vectors * rows * headDim }, bytes: (vectors + rows) * headDim * 4 };
  },
};

/** None of a kernel whose work is not counted. */
export function workOf(heap: SharedHeap, kernel: KernelName, items: number, args: readonly number[]): Work | undefined {
  return counters[kernel]?.(heap, items, args);
}

interface Part {
  readonly kind: Arithmetic;
  readonly operations: number;
  readonly bytes: number;
}

/** The matrices of a command's table: kernels/matmul.ts. */
function matrices(heap: SharedHeap, rows: number, table: number, count: number): Part[] {
  return Array.from({ length: count }, (_, i) => {
    const [, panels, id, , , , , , , inputs] = heap.addresses(table + i * 40, 10);
    const { blockBytes, products: kind } = panelFormat(id);
    const operations = 2 * rows * inputs * panels * PANEL_OUTPUTS;
    return { kind, operations, bytes: (panels * inputs * blockBytes) / 32 };
  });
}

interface ItemList {
  readonly list: number;
  readonly items: number;
  readonly group: number;
  readonly headDim: number;
}

interface Item {
  /** Of their pages, or of nothing but as many. */
  readonly entries: Uint32Array;
  readonly own: number;
  readonly tokens: number;
}

/** Items as writeItems() leaves them. */
function readItems(heap: SharedHeap, list: number, items: number): Item[] {
  return Array.from({ length: items }, (_, i) => {
    const [entries, numEntries, own, , tokens] = heap.addresses(list + i * 32, 5);
    return { entries: heap.addresses(entries, numEntries), own, tokens };
  });
}

/** What is multiplied with which half of every page of the items. */
function attended(
  heap: SharedHeap,
  { list, items, group, headDim }: ItemList,
  halves: readonly ("keys" | "values")[],
): Part[] {
  return readItems(heap, list, items).flatMap(({ entries, own, tokens }) =>
    pagesByFormat(heap, entries, own).flatMap(([format, pages]) =>
      halves.map((half) => ({
        kind: isFloat(format, half) ? ("f32" as const) : ("i7" as const),
        operations: 2 * tokens * group * pages * PAGE_SLOTS * headDim,
        bytes: (pages * pageBytes(format, headDim)) / 2,
      })),
    ),
  );
}

function pagesByFormat(heap: SharedHeap, entries: Uint32Array, own: number): [PageFormat, number][] {
  let [q8, f32] = [0, own > 0 ? 1 : 0];
  const low: [PageFormat, number][] = [];
  for (const entry of entries) {
    if (entry & LOW_BIT_PAGE) low.push([formatOf(heap, entry), 1]);
    else if (entry & FLOAT_PAGE) f32++;
    else if (entry > 0) q8++;
  }
  const counts: [PageFormat, number][] = [["q8", q8], ["f32", f32], ...low];
  return counts.filter(([, pages]) => pages > 0);
}

/** Whether a half of a page is multiplied as f32: where scales are per token, and values too where keys are turned. */
function isFloat(format: PageFormat, half: "keys" | "values"): boolean {
  if (typeof format === "string") return format === "f32";
  const { keys, values } = format;
  return keys.by === "rotated-token" || (half === "values" && values.by === "token");
}

function total(parts: readonly Part[]): Work {
  const operations: Partial<Record<Arithmetic, number>> = {};
  for (const { kind, operations: count } of parts) operations[kind] = (operations[kind] ?? 0) + count;
  return { operations, bytes: sum(parts, ({ bytes }) => bytes) };
}

function sum<T>(list: readonly T[], of: (each: T) => number): number {
  return list.reduce((all, each) => all + of(each), 0);
}
