/** longspan cache list|stats|drop: texts that were read and are kept on disk, so that they need not be read again. */
import { Command } from "commander";
import { DiskBlockStore } from "../../hub/block-store.ts";
import { type Context, contextsOf, keysOnlyOf } from "../../hub/contexts.ts";
import { contextsFolder } from "../../hub/home.ts";
import { InputError } from "../../runtime/errors.ts";
import { withinTerminal, write } from "../output.ts";
import { formatBytes, formatCount, formatTable } from "../statistics.ts";

const EXAMPLES = `
A context is a text that a model has read. Texts that begin alike share what they
have in common. When the cache is full, what was not used for longest goes first.

Examples:
  $ longspan cache list
  $ longspan cache stats
  $ longspan cache drop 3fa94c
  $ longspan cache drop --all`;

const columns = { key: "left", tokens: "right", size: "right", used: "left", model: "left", note: "left" } as const;
const SHOWN_DIGITS = 12;

interface JsonOption {
  json?: true;
}

interface DropOptions {
  all?: true;
}

export function cacheCommand(): Command {
  const cache = new Command("cache").description("list and drop texts kept as read").addHelpText("after", EXAMPLES);
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
    .option("--all", "remove everything")
    .addHelpText("after", "\nExamples:\n  $ longspan cache drop 3fa94c 07be\n  $ longspan cache drop --all")
    .action(async (prefixes: string[], options: DropOptions) => write(await drop(prefixes, options)));
  return cache;
}

/** What `list` prints. */
export async function listing({ json }: JsonOption = {}): Promise<string> {
  const contexts = contextsOf(await new DiskBlockStore(contextsFolder()).list());
  if (json) {
    const entries = contexts.map(({ keys, ...context }) => ({ ...context, blocks: keys.length }));
    return `${JSON.stringify(entries)}\n`;
  }
  if (contexts.length === 0) return `No contexts are kept in ${contextsFolder()}\n`;
  const rows = contexts.map(({ key, model, tokens, bytes, usedAt, isComplete }) => [
    key.slice(0, SHOWN_DIGITS),
    formatCount(tokens),
    formatBytes(bytes),
    formatMinute(usedAt),
    model,
    isComplete ? "" : "incomplete, of no use",
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
export async function drop(prefixes: readonly string[], { all }: DropOptions = {}): Promise<string> {
  if (all ? prefixes.length > 0 : prefixes.length === 0)
    throw new InputError(
      `cache drop: expected how keys begin, or --all, got ${all ? "both" : "neither"}. See the keys with: longspan cache list`,
      { got: prefixes },
    );
  const store = new DiskBlockStore(contextsFolder());
  const before = await store.stats();
  if (all) await store.clear();
  else {
    const contexts = contextsOf(await store.list());
    // All prefixes are checked before the first block goes.
    const dropped = prefixes.map((prefix) => findContext(prefix, contexts));
    await store.remove(keysOnlyOf(dropped, contexts));
  }
  const after = await store.stats();
  return `dropped ${formatBytes(before.bytes - after.bytes)} in ${formatCount(before.blocks - after.blocks)} blocks\n`;
}

/** The one context whose key begins with the prefix. Throws InputError if there is none, or more than one. */
export function findContext(prefix: string, contexts: readonly Context[]): Context {
  const found = /^[0-9a-f]+$/i.test(prefix) ? contexts.filter(({ key }) => key.startsWith(prefix.toLowerCase())) : [];
  if (found.length === 1) return found[0];
  if (found.length === 0)
    throw new InputError(
      `cache drop: expected how the key of a context begins, got "${prefix}", which no key does. See the keys with: longspan cache list`,
      { got: prefix },
    );
  const keys = found.slice(0, 3).map(({ key }) => key.slice(0, Math.max(SHOWN_DIGITS, prefix.length + 2)));
  throw new InputError(
    `cache drop: expected how one key begins, got "${prefix}", which ${found.length} do (${keys.join(", ")}${found.length > 3 ? ", …" : ""}). Give more digits.`,
    { got: prefix },
  );
}

/** Swedish writes dates as ISO 8601 does: 2026-01-31 09:05, here in local time. */
function formatMinute(date: Date): string {
  return date.toLocaleString("sv-SE", { dateStyle: "short", timeStyle: "short" });
}
