/**
 * Reads what a person names on a command line, files, folders, globs or standard input, into plain text.
 * What is named explicitly must be readable; what a folder or glob merely holds is left out when it is not,
 * and reported through `onSkip`, never silently.
 */
import { CapacityError, InputError, UnsupportedError } from "../runtime/errors.ts";
import { readBytes, readStream, standardInput } from "./bytes.ts";
import { extractText } from "./extract.ts";
import { type ListedFile, listFiles } from "./list.ts";

/** The text of one file. `path` is as it was named, or below the folder that was named. */
export interface DocumentPart {
  path: string;
  text: string;
}

export interface ReadOptions {
  /** What "-" reads; the process's own standard input by default. */
  stdin?: AsyncIterable<Uint8Array>;
  signal?: AbortSignal;
  /** Called before each file is read. */
  onFile?(path: string): void;
  /** Called for each file, or part of one ("page 3 holds no text"), that is left out. */
  onSkip?(path: string, reason: string): void;
}

/**
 * Reads `paths` in the order given; each file once, however often it is named.
 * Throws InputError, or UnsupportedError for a protected file, if something named has no text to read.
 */
export async function readDocuments(paths: string[], options: ReadOptions = {}): Promise<DocumentPart[]> {
  if (paths.length === 0) throw new InputError('documents: expected at least one path, got none. Name a file or "-".');
  const parts: DocumentPart[] = [];
  const read = new Set<string>();
  for (const path of paths) {
    const files = await listFiles(path, options);
    const skipped: string[] = [];
    let found = 0;
    for (const file of files) {
      if (read.has(file.absolutePath)) {
        found++;
        continue;
      }
      read.add(file.absolutePath);
      const text = await readFile(file, options, (reason) => skipped.push(`${file.path} ${reason}`));
      if (text === undefined) continue;
      parts.push({ path: file.path, text });
      found++;
    }
    if (found === 0) throw nothingFound(path, skipped);
  }
  return parts;
}

export interface JoinedDocuments {
  /** Of one part, its text alone; of several, each under a line with its path. */
  text: string;
  /** Where the text of each part begins, in characters. */
  starts: number[];
}

export function joinDocuments(parts: DocumentPart[]): JoinedDocuments {
  if (parts.length === 1) return { text: parts[0].text, starts: [0] };
  const starts: number[] = [];
  let joined = "";
  for (const { path, text } of parts) {
    joined += `${joined && "\n"}===== ${path} =====\n`;
    starts.push(joined.length);
    joined += text.replace(/\n*$/, "\n");
  }
  return { text: joined, starts };
}

/** The file's text; undefined, once reported, for a file that was not named itself and has none. */
async function readFile(
  file: ListedFile,
  options: ReadOptions,
  skip: (reason: string) => void,
): Promise<string | undefined> {
  options.signal?.throwIfAborted();
  options.onFile?.(file.path);
  try {
    const bytes =
      file.absolutePath === standardInput
        ? await readStream(options.stdin ?? process.stdin, options.signal)
        : await readBytes(file.path, options.signal);
    return await extractText(bytes, file.path, options);
  } catch (error) {
    if (file.isNamed || !isAboutTheFile(error)) throw error;
    const reason = error.message.replace(`${file.path}: `, "");
    skip(reason);
    options.onSkip?.(file.path, reason);
    return undefined;
  }
}

function isAboutTheFile(error: unknown): error is Error {
  return error instanceof InputError || error instanceof UnsupportedError || error instanceof CapacityError;
}

function nothingFound(path: string, skipped: string[]): InputError {
  const left = skipped.length === 0 ? "" : ` (${skipped.length} left out; the first, ${skipped[0]})`;
  return new InputError(
    `${path}: expected files with text, found none${left}. Name a folder or pattern that holds some; hidden files, node_modules and what .gitignore names do not count.`,
    { got: skipped.length },
  );
}
