/** Calibrations of models, kept on this machine: found by the model's file, whatever its name. */
import { type Calibration, decodeCalibration, encodeCalibration } from "../context/cache/calibration.ts";
import { readMeasured, storeMeasured } from "./measured.ts";

const ENDING = ".bin";

/** The stored calibration of a model's file, if there is one. One that is damaged counts as none: it can be made again. */
export function findCalibration(model: string): Calibration | undefined {
  return readMeasured(model, ENDING, decodeCalibration)?.value;
}

/** Where the calibration of a model's file is stored, if there is one. */
export function calibrationPath(model: string): string | undefined {
  return readMeasured(model, ENDING, decodeCalibration)?.path;
}

/** Stores a calibration in the place of an earlier one and gives its path. */
export function storeCalibration(model: string, calibration: Calibration): string {
  return storeMeasured(model, ENDING, encodeCalibration(calibration));
}
