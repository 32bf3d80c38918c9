/** longspan cache: texts that were read and are kept on disk, so that they need not be read again. */
import { Command } from "commander";
import { DiskBlockStore } from "../../hub/block-store.ts";
import { contextsOf, keysOnlyOf, withAllBefore } from "../../hub/contexts.ts";
import { contextsFolder } from "../../hub/home.ts";
import { InputError } from "../../runtime/errors.ts";
import { withinTerminal, write } from "../output.ts";
import { formatBytes, formatCount, formatTable } from "../statistics.ts";
import { addDoctor } from "./cache-doctor.ts";
import { findContext, printable, SHOWN_DIGITS } from "./cache-find.ts";
import { addPins } from "./cache-pins.ts";
import { addTransfer } from "./cache-transfer.ts";

const EXAMPLES = `
A context is a text that a model has read. Texts that begin alike share what they
have in common. When the cache is full, what was not used for longest goes first,
and what is pinned never.

Examples:
  $ longspan cache list
  $ longspan cache stats
  $ longspan cache drop 3fa94c
  $ longspan cache pin 3fa94c
  $ longspan cache export 3fa94c book.ctx
  $ longspan cache doctor first.json second.json`;

const columns = { key: "left", tokens: "right", size: "right", used: "left", model: "left", note: "left" } as const;

interface JsonOption {
  json?: true;
}

interface DropOptions {
  all?: true;
  pinned?: boolean;
}

export function cacheCommand(): Command {
  const cache = new Command("cache")
    .description("list, drop, pin and move texts kept as read")
    .addHelpText("after", EXAMPLES);
  cache
    .command("list", { isDefault: true })
    .description("the contexts that are kept, the most recently used first")
    .option("--json", "print one JSON array")
    .addHelpText("after", "\nExamples:\n  $ longspan cache list\n  $ longspan cache list --json")
    .action(async (options: JsonOption) => write(withinTerminal(await listing(options))));
  cache
    .command("stats")
    .description("how much is kept, and where")
    .option("--json", "print one JSON object {blocks, bytes, maxBytes, folder}")
    .addHelpText("after", "\nExample:\n  $ longspan cache stats --json")
    .action(async (options: JsonOption) => write(await statistics(options)));
  cache
    .command("drop")
    .description("remove contexts; what they share with others stays")
    .argument("[prefixes...]", "how their keys begin, as list shows them")
    .option("--all", "remove everything but what is pinned")
    .option("--pinned", "with --all: what is pinned as well")
    .addHelpText("after", "\nExamples:\n  $ longspan cache drop 3fa94c 07be\n  $ longspan cache drop --all")
    .action(async (prefixes: string[], options: DropOptions) => write(await drop(prefixes, options)));
  addPins(cache);
  addTransfer(cache);
  addDoctor(cache);
  return cache;
}

/** What `list` prints. */
export async function listing({ json }: JsonOption = {}): Promise<string> {
  const store = new DiskBlockStore(contextsFolder());
  const contexts = contextsOf(await store.list());
  const pins = await store.pins();
  if (json) {
    const entries = contexts.map(({ keys, ...context }) => ({
      ...context,
      blocks: keys.length,
      isPinned: pins.has(context.key),
    }));
    return `${JSON.stringify(entries)}\n`;
  }
  if (contexts.length === 0) return `No contexts are kept in ${contextsFolder()}\n`;
  const rows = contexts.map(({ key, model, tokens, bytes, usedAt, isComplete, keys }) => [
    key.slice(0, SHOWN_DIGITS),
    formatCount(tokens),
    formatBytes(bytes),
    formatMinute(usedAt),
    printable(model),
    [
      ...(pins.has(key) ? ["pinned"] : keys.some((before) => pins.has(before)) ? ["its beginning is pinned"] : []),
      ...(isComplete ? [] : ["incomplete, of no use"]),
    ].join(", "),
  ]);
  return `${formatTable(columns, rows)}\n`;
}

/** What `stats` prints. */
export async function statistics({ json }: JsonOption = {}): Promise<string> {
  const folder = contextsFolder();
  const { blocks, bytes, maxBytes } = await new DiskBlockStore(folder).stats();
  if (json) return `${JSON.stringify({ blocks, bytes, maxBytes, folder })}\n`;
  return `blocks  ${formatCount(blocks)}\nsize    ${formatBytes(bytes)} of at most ${formatBytes(maxBytes)}\nfolder  ${folder}\n`;
}

/** Removes contexts and gives what `drop` prints. */
export async function drop(prefixes: readonly string[], { all, pinned = false }: DropOptions = {}): Promise<string> {
  if (all ? prefixes.length > 0 : prefixes.length === 0)
    throw new InputError(
      `cache drop: expected how keys begin, or --all, got ${all ? "both" : "neither"}. See the keys with: longspan cache list`,
      { got: prefixes },
    );
  if (pinned && !all)
    throw new InputError(
      "cache drop: expected --pinned with --all, got it alone. Take pins back with: longspan cache unpin",
    );
  const store = new DiskBlockStore(contextsFolder());
  const before = await store.stats();
  if (all) await store.clear({ pinned });
  else await dropContexts(store, prefixes);
  const after = await store.stats();
  const dropped = `dropped ${formatBytes(before.bytes - after.bytes)} in ${formatCount(before.blocks - after.blocks)} blocks`;
  return `${dropped}${all ? await stayingNote(store) : ""}\n`;
}

/** All prefixes are checked before the first block goes. */
async function dropContexts(store: DiskBlockStore, prefixes: readonly string[]): Promise<void> {
  const blocks = await store.list();
  const contexts = contextsOf(blocks);
  const pins = await store.pins();
  const dropped = prefixes.map((prefix) => findContext(prefix, contexts));
  const pinned = dropped.find(({ key }) => pins.has(key));
  if (pinned)
    throw new InputError(
      `cache drop: expected contexts that are not pinned, got ${pinned.key.slice(0, SHOWN_DIGITS)}, which is. Nothing was dropped. Unpin first: longspan cache unpin ${pinned.key.slice(0, SHOWN_DIGITS)}`,
      { got: pinned.key },
    );
  // A longer text may go on from a pinned one.
  const staying = withAllBefore(pins, blocks);
  await store.remove(keysOnlyOf(dropped, contexts).filter((key) => !staying.has(key)));
}

async function stayingNote(store: DiskBlockStore): Promise<string> {
  const there = new Set((await store.list()).map(({ key }) => key));
  const count = [...(await store.pins())].filter((key) => there.has(key)).length;
  if (count === 0) return "";
  return `; ${formatCount(count)} pinned ${count === 1 ? "context stays" : "contexts stay"} (--all --pinned removes what is pinned as well)`;
}

/** Swedish writes dates as ISO 8601 does: 2026-01-31 09:05, here in local time. */
function formatMinute(date: Date): string {
  return date.toLocaleString("sv-SE", { dateStyle: "short", timeStyle: "short" });
}
