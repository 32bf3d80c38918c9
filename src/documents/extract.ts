/** Bytes -> text, by the format that the path's extension or, where that says nothing, the content names. */
import { extname } from "node:path";
import { InputError } from "../runtime/errors.ts";

export interface ExtractOptions {
  signal?: AbortSignal;
  onSkip?(path: string, reason: string): void;
}

type Format = "text" | "html" | "pdf" | "docx" | "epub";

const formatOfExtension: Record<string, Format> = {
  ".html": "html",
  ".htm": "html",
  ".xhtml": "html",
  ".pdf": "pdf",
  ".docx": "docx",
  ".epub": "epub",
};

/** The text of one file. Throws InputError or UnsupportedError, which name `path`, if it has none to give. */
export async function extractText(bytes: Uint8Array, path: string, options: ExtractOptions): Promise<string> {
  if (bytes.length === 0) throw new InputError(`${path}: is empty. Give a file with text in it.`);
  const format = formatOf(path, bytes);
  const text = await readers[format](bytes, path, options);
  if (text.trim() === "")
    throw new InputError(
      format === "text"
        ? `${path}: is empty (white space only). Give a file with text in it.`
        : `${path}: holds no text. Open it to see whether it is the right file.`,
    );
  return text;
}

/** Whether a path names a format whose text has to be taken out of it: lines are then those of that text. */
export function isExtracted(path: string): boolean {
  return Object.hasOwn(formatOfExtension, extname(path).toLowerCase());
}

function formatOf(path: string, bytes: Uint8Array): Format {
  const extension = extname(path).toLowerCase();
  if (Object.hasOwn(formatOfExtension, extension)) return formatOfExtension[extension];
  const start = Buffer.from(bytes.subarray(0, 1024)).toString("latin1");
  if (start.startsWith("%PDF-")) return "pdf";
  // A ZIP file: EPUB demands that its media type comes first, uncompressed (OCF 3.3, section 4.3).
  if (start.startsWith("PK\x03\x04")) {
    if (start.includes("mimetypeapplication/epub+zip")) return "epub";
    if (Buffer.from(bytes).includes("word/document.xml")) return "docx";
  }
  if (extension === "" && /^(\xef\xbb\xbf)?\s*<(!doctype html|html)\b/i.test(start)) return "html";
  return "text";
}

/** Loaded when first needed: reading plain text must not pay for a PDF library. */
const readers: Record<Format, (bytes: Uint8Array, path: string, options: ExtractOptions) => Promise<string> | string> =
  {
    text: async (bytes, path) => (await import("./formats/text.ts")).decodeText(bytes, path),
    html: async (bytes, path) => (await import("./formats/html.ts")).readHtml(bytes, path),
    pdf: async (bytes, path, options) => (await import("./formats/pdf.ts")).readPdf(bytes, path, options),
    docx: async (bytes, path) => (await import("./formats/docx.ts")).readDocx(bytes, path),
    epub: async (bytes, path) => (await import("./formats/epub.ts")).readEpub(bytes, path),
  };
