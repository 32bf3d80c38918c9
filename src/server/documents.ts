/** POST /v1/documents: files of a form into text, with the tokens they take. Nothing is written; names are labels, never paths. */
import type { Hono } from "hono";
import { extractText } from "../documents/extract.ts";
import { CapacityError, InputError, UnsupportedError } from "../runtime/errors.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { RequestError } from "./errors.ts";

/** A file as text, or why it has none. */
export type DocumentAnswer =
  | {
      readonly name: string;
      readonly text: string;
      readonly tokens: number;
      /** What was left out of it, such as pages without text. */
      readonly notes: readonly string[];
    }
  | { readonly name: string; readonly error: string };

const MOST_NAME_CHARACTERS = 300;

export function addDocumentRoutes(app: Hono, tokenizer: Tokenizer): void {
  app.post("/v1/documents", async (context) => {
    const files = await filesOf(context.req.raw);
    const documents: DocumentAnswer[] = [];
    for (const file of files) documents.push(await read(file, tokenizer, context.req.raw.signal));
    return context.json({ documents });
  });
}

async function filesOf(request: Request): Promise<File[]> {
  const form = await request.formData().catch((error: unknown) => {
    if (error instanceof RequestError) throw error;
    throw new RequestError(400, "The body is not multipart/form-data. Send files as fields of a form.");
  });
  const files = [...form.values()].filter((value) => typeof value !== "string");
  if (files.length === 0)
    throw new RequestError(400, "files: expected at least one file, got none. Add files to the form.", {
      param: "files",
    });
  return files;
}

async function read(file: File, tokenizer: Tokenizer, signal: AbortSignal): Promise<DocumentAnswer> {
  const name = labelOf(file.name);
  const notes: string[] = [];
  try {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const text = await extractText(bytes, name, { signal, onSkip: (_, reason) => notes.push(reason) });
    return { name, text, tokens: tokenizer.encode(text, { bos: false }).length, notes };
  } catch (error) {
    const isItsFault =
      error instanceof InputError || error instanceof UnsupportedError || error instanceof CapacityError;
    if (!isItsFault) throw error;
    return { name, error: error.message.replace(`${name}: `, "") };
  }
}

/** One line of bounded length. */
function labelOf(name: string): string {
  const line = name.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, " ").trim();
  return line.slice(-MOST_NAME_CHARACTERS) || "unnamed";
}
