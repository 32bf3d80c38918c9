import { createRequire } from "node:module";

export function version(): string {
  // The package by its own name: where this file lies inside it differs between checkout and build.
  return createRequire(import.meta.url)("longspan/package.json").version;
}
