/** What was measured of models, kept on this machine: found by the model's file, whatever its name. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileFingerprint } from "./fingerprint.ts";
import { longspanHome } from "./home.ts";

/** What a file of this ending holds for a model, if there is one. One that is damaged counts as none: it can be made again. */
export function readMeasured<T>(
  model: string,
  ending: string,
  decode: (bytes: Uint8Array, path: string) => T | undefined,
): { path: string; value: T } | undefined {
  try {
    const path = pathOf(model, ending);
    const value = existsSync(path) ? decode(readFileSync(path), path) : undefined;
    return value === undefined ? undefined : { path, value };
  } catch {
    return undefined; // Damaged, or the model cannot be read: whoever opens it says why.
  }
}

/** Takes the place of what was there, and gives the path. */
export function storeMeasured(model: string, ending: string, content: string | Uint8Array): string {
  const path = pathOf(model, ending);
  mkdirSync(dirname(path), { recursive: true });
  // Renamed when complete: an interrupted write must not leave a damaged one.
  const partial = `${path}.${process.pid}`;
  writeFileSync(partial, content);
  renameSync(partial, path);
  return path;
}

function pathOf(model: string, ending: string): string {
  return join(longspanHome(), "calibrations", fileFingerprint(model) + ending);
}
