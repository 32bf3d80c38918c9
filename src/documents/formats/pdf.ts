/** PDF through pdf.js: the text of each page by lines, with an empty line where the page leaves a gap. */
import { fileURLToPath } from "node:url";
import type { PDFDocumentProxy } from "pdfjs-dist/legacy/build/pdf.mjs";
import { InputError } from "../../runtime/errors.ts";
import type { ExtractOptions } from "../extract.ts";
import { layOutPage, type PositionedText } from "./pdf-lines.ts";

export async function readPdf(bytes: Uint8Array, path: string, options: ExtractOptions): Promise<string> {
  const { getDocument } = await importPdfjs();
  const task = getDocument({
    // pdf.js takes the buffer over, and refuses a Node Buffer.
    data: Uint8Array.from(bytes),
    // Text in Chinese, Japanese and Korean is encoded by these tables.
    cMapUrl: fileURLToPath(new URL("../../cmaps/", import.meta.resolve("pdfjs-dist/legacy/build/pdf.mjs"))),
    cMapPacked: true,
    isEvalSupported: false,
    verbosity: 0,
  });
  try {
    const document = await task.promise;
    return await readPages(document, path, options);
  } catch (cause) {
    options.signal?.throwIfAborted();
    throw explain(cause, path);
  } finally {
    await task.destroy();
  }
}

async function readPages(document: PDFDocumentProxy, path: string, options: ExtractOptions): Promise<string> {
  const pages: string[] = [];
  const withoutText: number[] = [];
  for (let number = 1; number <= document.numPages; number++) {
    options.signal?.throwIfAborted();
    const page = await document.getPage(number);
    const { items } = await page.getTextContent();
    const text = layOutPage(items.filter((item): item is typeof item & PositionedText => "str" in item));
    if (text === "") withoutText.push(number);
    else pages.push(text);
    page.cleanup();
  }
  if (pages.length === 0)
    throw new InputError(
      `${path}: expected text, got ${document.numPages} pages of pictures without any. Run OCR on it first, for example with ocrmypdf.`,
      { got: 0 },
    );
  if (withoutText.length > 0)
    options.onSkip?.(
      path,
      `${withoutText.length} of ${document.numPages} pages hold no text: ${withoutText.join(", ")}`,
    );
  return pages.join("\n\n");
}

function explain(cause: unknown, path: string): unknown {
  if (!(cause instanceof Error) || cause instanceof InputError) return cause;
  return new InputError(
    cause.name === "PasswordException"
      ? `${path}: is encrypted, expected a PDF that opens without a password. Save a copy without one.`
      : `${path}: expected PDF, got a damaged file (${cause.message}). Get the file again.`,
    { got: cause.message },
  );
}

/**
 * pdf.js wants the canvas classes of a browser, or an optional 33 MB package in their place, to draw pages. We draw none:
 * empty classes let it load without, and its warnings that drawing will not work are kept off the console.
 */
async function importPdfjs(): Promise<typeof import("pdfjs-dist/legacy/build/pdf.mjs")> {
  const globals = globalThis as Record<string, unknown>;
  const missing = ["DOMMatrix", "ImageData", "Path2D"].filter((name) => !(name in globals));
  for (const name of missing) globals[name] = class {};
  const { warn } = console;
  console.warn = (...values) => {
    if (!String(values[0]).startsWith("Warning: Cannot ")) warn(...values);
  };
  try {
    return await import("pdfjs-dist/legacy/build/pdf.mjs");
  } finally {
    console.warn = warn;
    for (const name of missing) delete globals[name];
  }
}
