/** longspan cache export|import: a context as one file, read on one machine and used on another. */
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import type { Command } from "commander";
import { DiskBlockStore } from "../../hub/block-store.ts";
import { contextFileBytes, exportContext, importContext } from "../../hub/context-file.ts";
import { contextsOf } from "../../hub/contexts.ts";
import { contextsFolder } from "../../hub/home.ts";
import { interruptible } from "../interrupt.ts";
import { write } from "../output.ts";
import { type ProgressBar, progressBar } from "../progress.ts";
import { formatBytes, formatCount } from "../statistics.ts";
import { findContext, printable, SHOWN_DIGITS } from "./cache-find.ts";

const IMPORT_HELP = `
The file holds what a model made of a text. Whether it is right for that text can only
be seen by reading the text: import files of people whom you trust. It is of use with
the very model file that it was made with.

Example:
  $ longspan cache import book.ctx`;

export function addTransfer(cache: Command): void {
  cache
    .command("export")
    .description("write a context to a file for another machine")
    .argument("<prefix>", "how its key begins, as list shows it")
    .argument("<file>", "file to write, for example book.ctx")
    .option("--force", "replace the file if it exists")
    .addHelpText(
      "after",
      "\nThe file holds the text, as token ids.\n\nExample:\n  $ longspan cache export 3fa94c book.ctx",
    )
    .action(async (prefix: string, path: string, options: { force?: true }) => {
      const { signal, release } = interruptible();
      await write(await exportTo(prefix, path, { ...options, signal }).finally(release));
    });
  cache
    .command("import")
    .description("take contexts that export wrote into this cache")
    .argument("<files...>", "files that export wrote")
    .addHelpText("after", IMPORT_HELP)
    .action(async (paths: string[]) => {
      const { signal, release } = interruptible();
      try {
        for (const path of paths) await write(await importFrom(path, { signal }));
      } finally {
        release();
      }
    });
}

/** Writes a context to a file and gives what `export` prints. */
export async function exportTo(
  prefix: string,
  path: string,
  options: { force?: true; signal?: AbortSignal } = {},
): Promise<string> {
  const store = storeThatReports();
  const context = findContext(prefix, contextsOf(await store.list()), "cache export");
  const bar = transferBar(path, contextFileBytes(context));
  await withBar(bar, exportContext(store, context, path, { ...options, onProgress: bar.update }));
  const size = formatBytes(contextFileBytes(context));
  return `exported ${context.key.slice(0, SHOWN_DIGITS)}: ${formatCount(context.tokens)} tokens in ${formatCount(context.keys.length)} blocks, ${size}\n`;
}

/** Takes the blocks of a file into the cache and gives what `import` prints. */
export async function importFrom(path: string, { signal }: { signal?: AbortSignal } = {}): Promise<string> {
  const store = storeThatReports();
  // What is wrong with the path is said by importContext().
  const { size } = await stat(path).catch(() => ({ size: 0 }));
  const bar = transferBar(path, size);
  const importing = importContext(store, path, { signal, onProgress: bar.update });
  const { key, model, tokens, blocks, newBlocks } = await withBar(bar, importing);
  const isThere = (await store.get(key)) !== undefined;
  const note = isThere ? "" : "; more than the cache has room for: only its beginning is kept";
  return `imported ${key.slice(0, SHOWN_DIGITS)}: ${formatCount(tokens)} tokens of ${printable(model)}, ${formatCount(newBlocks)} of ${formatCount(blocks)} blocks are new${note}\n`;
}

function transferBar(path: string, total: number): ProgressBar {
  return progressBar(process.stderr, { label: basename(path), total, unit: "bytes" });
}

/** An error is said on a line of its own. */
async function withBar<T>(bar: ProgressBar, transfer: Promise<T>): Promise<T> {
  try {
    const result = await transfer;
    bar.finish();
    return result;
  } catch (error) {
    bar.finish("stopped");
    throw error;
  }
}

function storeThatReports(): DiskBlockStore {
  return new DiskBlockStore(contextsFolder(), {
    onDamaged: (path, reason) => process.stderr.write(`${path}: this file ${reason}\n`),
  });
}
