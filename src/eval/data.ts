/** Files that come with the package: templates and word lists (data/), haystacks (build/haystacks, made by the build). */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const root = dirname(createRequire(import.meta.url).resolve("longspan/package.json"));

export function packagePath(...parts: string[]): string {
  return join(root, ...parts);
}

export function readData(name: string): string {
  return readFileSync(packagePath("data", "eval", name), "utf8");
}

export function readJson<T>(name: string): T {
  return JSON.parse(readData(name)) as T;
}

/** A list with one word a line. */
export function readWords(name: string): string[] {
  return readData(name).trimEnd().split("\n");
}
