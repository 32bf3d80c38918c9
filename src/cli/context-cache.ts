/** The texts that were read on this machine, kept under LONGSPAN_HOME. */
import type { Command } from "commander";
import type { BlockStore } from "../engine/types.ts";
import { DiskBlockStore } from "../hub/block-store.ts";
import { contextsFolder } from "../hub/home.ts";
import { describe } from "./failure.ts";

export interface ContextCacheOptions {
  /** False for --no-cache. */
  cache: boolean;
}

export function addContextCacheOption(command: Command): Command {
  return command.option("--no-cache", "read all anew, and keep nothing of it (see: longspan cache)");
}

/** What is wrong with it is said on stderr, once for writing, and is no reason to stop. */
export function openContextCache({ cache }: ContextCacheOptions): BlockStore | undefined {
  if (!cache) return undefined;
  const say = (message: string) => process.stderr.write(describe(message));
  const store = new DiskBlockStore(contextsFolder(), {
    onDamaged: (path, reason) => say(`${path}: this file ${reason}. The text is read anew from there.`),
  });
  let isTold = false;
  return {
    get: (key) => store.get(key),
    async put(...block) {
      try {
        await store.put(...block);
      } catch (error) {
        if (!isTold) say(`${(error as Error).message} What is read now is not kept.`);
        isTold = true;
        throw error;
      }
    },
  };
}
