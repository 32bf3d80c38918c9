/** Documents as the commands read them: abortable also while standard input is silent, with a note for what is left out. */
import {
  type DocumentPart,
  type JoinedDocuments,
  joinDocuments,
  type ReadOptions,
  readDocuments,
} from "../documents/read.ts";
import { InputError } from "../runtime/errors.ts";

export interface Documents extends JoinedDocuments {
  parts: DocumentPart[];
}

/** Everything named, as one text that is never empty. */
export async function documentsOf(paths: string[], signal: AbortSignal): Promise<Documents> {
  const parts = await readDocuments(paths, readOptions(signal));
  const joined = joinDocuments(parts);
  if (joined.text.trim() !== "") return { ...joined, parts };
  throw new InputError(`${paths.join(", ")}: expected text, got none. Give a file with text in it.`);
}

/** Nothing is touched until it is read. An abort ends it also while nothing comes. */
export async function* standardInput(signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const stop = () => process.stdin.destroy(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  try {
    yield* process.stdin;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function readOptions(signal: AbortSignal): ReadOptions {
  return {
    signal,
    stdin: standardInput(signal),
    onSkip: (path, reason) => process.stderr.write(`left out ${path}: ${reason}\n`),
  };
}
