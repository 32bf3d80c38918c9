/** longspan cache pin|unpin: contexts that are kept whatever room others need. */
import type { Command } from "commander";
import { DiskBlockStore } from "../../hub/block-store.ts";
import { contextsOf } from "../../hub/contexts.ts";
import { contextsFolder } from "../../hub/home.ts";
import { InputError } from "../../runtime/errors.ts";
import { write } from "../output.ts";
import { formatBytes, formatCount } from "../statistics.ts";
import { findContext, SHOWN_DIGITS } from "./cache-find.ts";

export function addPins(cache: Command): void {
  cache
    .command("pin")
    .description("keep a context: it is neither removed to make room nor dropped")
    .argument("<prefix>", "how its key begins, as list shows it")
    .addHelpText("after", "\nExample:\n  $ longspan cache pin 3fa94c")
    .action(async (prefix: string) => write(await pin(prefix)));
  cache
    .command("unpin")
    .description("take a pin back")
    .argument("<prefix>", "how its key begins, as list shows it")
    .addHelpText("after", "\nExample:\n  $ longspan cache unpin 3fa94c")
    .action(async (prefix: string) => write(await unpin(prefix)));
}

/** Pins a context and gives what `pin` prints. Throws InputError for one that is not complete. */
export async function pin(prefix: string): Promise<string> {
  const store = new DiskBlockStore(contextsFolder());
  const context = findContext(prefix, contextsOf(await store.list()), "cache pin");
  if (!context.isComplete) throw explainIncomplete(context.key);
  await store.pin(context.key);
  // Another process may have made room just before it saw the pin.
  const there = new Set((await store.list()).map(({ key }) => key));
  if (!context.keys.every((key) => there.has(key))) {
    await store.unpin(context.key);
    throw explainIncomplete(context.key);
  }
  return `pinned ${context.key.slice(0, SHOWN_DIGITS)}: ${formatCount(context.tokens)} tokens, ${formatBytes(context.bytes)}\n`;
}

/** Takes the pin of a context back, or those of its beginnings if it has none itself, and gives what `unpin` prints. */
export async function unpin(prefix: string): Promise<string> {
  const store = new DiskBlockStore(contextsFolder());
  const pins = [...(await store.pins())];
  // A pin may outlive its context: it is found by itself first.
  let keys = prefix === "" ? [] : pins.filter((key) => key.startsWith(prefix.toLowerCase()));
  if (keys.length !== 1) {
    const context = findContext(prefix, contextsOf(await store.list()), "cache unpin");
    keys = context.keys.filter((key) => pins.includes(key));
    if (keys.length === 0)
      throw new InputError(
        `cache unpin: expected a pinned context, got ${context.key.slice(0, SHOWN_DIGITS)}, which is not. See the pins with: longspan cache list`,
        { got: context.key },
      );
  }
  for (const key of keys) await store.unpin(key);
  return `unpinned ${keys.map((key) => key.slice(0, SHOWN_DIGITS)).join(", ")}\n`;
}

function explainIncomplete(key: string): InputError {
  return new InputError(
    `cache pin: expected a complete context, got ${key.slice(0, SHOWN_DIGITS)}, of which blocks are missing. Read its text again, then pin it.`,
    { got: key },
  );
}
