/** Answers by the hash of all that determines them, one small file each, without a limit that would silently drop any. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Generation } from "../types.ts";

export interface AnswerCache {
  get(key: string): Generation | undefined;
  set(key: string, generation: Generation): void;
}

export function openAnswerCache(folder: string): AnswerCache {
  const pathOf = (key: string) => join(folder, key.slice(0, 2), `${key}.json`);
  return {
    get(key) {
      try {
        return JSON.parse(readFileSync(pathOf(key), "utf8")) as Generation;
      } catch {
        return undefined; // none there, or one that was cut short: it is answered again
      }
    },
    set(key, generation) {
      const path = pathOf(key);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(`${path}.${process.pid}`, JSON.stringify(generation));
      renameSync(`${path}.${process.pid}`, path);
    },
  };
}
