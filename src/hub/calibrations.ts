/** Calibrations of models, kept on this machine: found by the model's file, whatever its name. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Calibration, decodeCalibration, encodeCalibration } from "../context/cache/calibration.ts";
import { fileFingerprint } from "./fingerprint.ts";
import { longspanHome } from "./home.ts";

/** The stored calibration of a model's file, if there is one. One that is damaged counts as none: it can be made again. */
export function findCalibration(model: string): Calibration | undefined {
  return stored(model)?.calibration;
}

/** Where the calibration of a model's file is stored, if there is one. */
export function calibrationPath(model: string): string | undefined {
  return stored(model)?.path;
}

function stored(model: string): { path: string; calibration: Calibration } | undefined {
  try {
    const path = pathOf(model);
    return existsSync(path) ? { path, calibration: decodeCalibration(readFileSync(path), path) } : undefined;
  } catch {
    return undefined; // Damaged, or the model cannot be read: whoever opens it says why.
  }
}

/** Stores a calibration in the place of an earlier one and gives its path. */
export function storeCalibration(model: string, calibration: Calibration): string {
  const path = pathOf(model);
  mkdirSync(dirname(path), { recursive: true });
  // Renamed when complete: an interrupted write must not leave a damaged one.
  const partial = `${path}.${process.pid}`;
  writeFileSync(partial, encodeCalibration(calibration));
  renameSync(partial, path);
  return path;
}

function pathOf(model: string): string {
  return join(longspanHome(), "calibrations", `${fileFingerprint(model)}.bin`);
}
