/**
 * DOCX (Office Open XML) through mammoth, by way of HTML: its raw text leaves out footnotes and endnotes, and gives a
 * table's cells a paragraph each.
 */
import mammoth from "mammoth";
import { htmlToText } from "./html.ts";
import { corrupt, unzip } from "./zip.ts";

export async function readDocx(bytes: Uint8Array, path: string): Promise<string> {
  const files = unzip(bytes, path, "DOCX", (name) => /^(word\/.*|\[Content_Types\])\.xml$/.test(name));
  if (!("[Content_Types].xml" in files)) throw corrupt(path, "DOCX", "no [Content_Types].xml");
  return htmlToText(await toHtml(bytes, path), path);
}

async function toHtml(bytes: Uint8Array, path: string): Promise<string> {
  try {
    const { value } = await mammoth.convertToHtml(
      { buffer: Buffer.from(bytes) },
      { convertImage: mammoth.images.imgElement(async () => ({ src: "" })) },
    );
    // The way back from a note to its mark.
    return value.replace(/<a href="#(?:foot|end)note-ref-\d+">↑<\/a>/g, "");
  } catch (cause) {
    throw corrupt(path, "DOCX", (cause as Error).message);
  }
}
