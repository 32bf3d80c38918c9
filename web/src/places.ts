/** From characters of the joined documents to files and back. */
import type { Documents, Trace } from "./types.ts";

/** The file that a character lies in; of a heading between two, the one before. */
export function fileAt({ starts }: Documents, character: number): number {
  let file = 0;
  while (file + 1 < starts.length && starts[file + 1] <= character) file++;
  return file;
}

/** Files by the block that each begins in. */
export function firstBlocks({ starts }: Documents, { blocks }: Trace): number[] {
  return starts.map((start) =>
    Math.max(
      0,
      blocks.findIndex(({ end }) => end > start),
    ),
  );
}

/** What lies in a block of the prompt: a file's name, or what stands around the documents. */
export function nameOfBlock(documents: Documents, { blocks }: Trace, block: number): string {
  const { start, end } = blocks[block];
  if (end > start) return documents.files[fileAt(documents, start)].name;
  return start === 0 ? "instructions" : "question";
}

/** The block of the token that a passage's peak lies in. */
export function blockAt({ blocks }: Trace, character: number): number {
  const block = blocks.findIndex(({ start, end }) => start <= character && character < end);
  return Math.max(0, block);
}
