/** What lies in the models folder: listing what came by `hf:`, and removing. */
import { readdir, rm, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { modelsFolder } from "./home.ts";
import { takeLock } from "./lock.ts";
import type { ModelReference } from "./reference.ts";

export interface StoredModel {
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
}

/** Files pulled by `hf:owner/repository/file.gguf`, in a stable order. */
export async function listStoredHubModels(): Promise<StoredModel[]> {
  const folder = join(modelsFolder(), "hf");
  const files = await readdir(folder, { recursive: true }).catch(() => []);
  const found = files.filter((file) => file.endsWith(".gguf")).map((file) => join(folder, file));
  return Promise.all(
    found.sort().map(async (path) => ({
      name: `hf:${relative(folder, path).split(sep).join("/")}`,
      path,
      bytes: (await stat(path)).size,
    })),
  );
}

/** Removes the file and what an interrupted pull has left of it. Resolves to the bytes that became free; waits for a pull that runs. */
export async function removeModel({ path }: ModelReference): Promise<number> {
  const leftovers = [path, `${path}.part`];
  const sizes = await Promise.all(
    leftovers.map((file) =>
      stat(file).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  if (bytes === 0) return 0;
  const lock = await takeLock(`${path}.lock`, {});
  try {
    for (const file of [...leftovers, `${path}.part.wheels`]) await rm(file, { recursive: true, force: true });
  } finally {
    await lock.release();
  }
  return bytes;
}
