/**
 * Blocks whose payload follows from their key, and a program that puts such blocks into a store until it is killed:
 *   block-writer.js FOLDER SEED MAX_BYTES
 * It sends a message when it begins, and nothing after.
 */
import { createHash } from "node:crypto";
import { pathToFileURL } from "node:url";
import { DiskBlockStore } from "../../src/hub/block-store.ts";

/** The key of a name, any text. */
export function blockKey(name: string): string {
  return createHash("sha256").update(name).digest("hex");
}

/** 0 to 255 KB, different for every key. */
export function payloadOf(key: string): Uint8Array {
  const outputLength = Number.parseInt(key.slice(0, 2), 16) * 1000;
  if (outputLength === 0) return new Uint8Array();
  return new Uint8Array(createHash("shake128", { outputLength }).update(key).digest());
}

if (pathToFileURL(process.argv[1] ?? "").href === import.meta.url) {
  const [folder, seed, maxBytes] = process.argv.slice(2);
  const store = new DiskBlockStore(folder, { maxBytes: Number(maxBytes) });
  process.send?.("begins");
  for (let i = 0; ; i++) {
    const keys = [0, 1, 2].map((j) => blockKey(`${seed} ${i} ${j}`));
    await Promise.all(keys.map((key) => store.put(key, payloadOf(key), { model: "tiny", tokens: 64 })));
  }
}
