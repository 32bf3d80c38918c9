/** Real models for the tests in test/models/. scripts/test.js pulls them before those tests run. */
import { resolveModel } from "../../src/hub/resolve.ts";

export const testModels = ["smollm2-135m", "qwen2.5-coder-0.5b", "gemma3-270m"];

/** Path of the model's file; pulls it if a test file is run by hand on a fresh machine. */
export function modelPath(name: string): Promise<string> {
  return resolveModel(name, { onNotice: (message) => console.error(message) });
}
