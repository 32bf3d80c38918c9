import assert from "node:assert/strict";
import { test } from "node:test";
import { strToU8, zipSync } from "fflate";
import { InputError } from "../../runtime/errors.ts";
import { readDocx } from "./docx.ts";

test("a DOCX gives paragraphs, headings, a line per table row, and its footnotes", async () => {
  const cell = (text: string) => `<w:tc>${paragraph(text)}</w:tc>`;
  const row = (...texts: string[]) => `<w:tr>${texts.map(cell).join("")}</w:tr>`;
  const docx = makeDocx(
    `${paragraph("Lease", '<w:pStyle w:val="Heading1"/>')}${paragraph("Rent is due &amp; payable.", "", '<w:r><w:footnoteReference w:id="1"/></w:r>')}` +
      `<w:tbl>${row("Month", "Rent")}${row("May", "900")}</w:tbl>${paragraph("Signed.")}`,
    `<w:footnote w:id="1">${paragraph("In euros.")}</w:footnote>`,
  );
  assert.equal(
    await readDocx(docx, "a.docx"),
    "Lease\n\nRent is due & payable.[1]\n\nMonth | Rent\nMay | 900\n\nSigned.\n\n 1. In euros.",
  );
});

test("a damaged, encrypted or foreign file named .docx is refused with InputError", async () => {
  const docx = makeDocx(paragraph("Text"));
  const withoutTypes = zipSync({ "word/document.xml": strToU8("<w:document/>") });
  const withoutDocument = zipSync({ "[Content_Types].xml": strToU8("<Types/>") });
  const ole = Uint8Array.from([0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]);
  for (const [bytes, message] of [
    [docx.subarray(0, docx.length >> 1), /damaged/],
    [strToU8("not a zip file"), /damaged/],
    [withoutTypes, /Content_Types/],
    [withoutDocument, /damaged/],
    [ole, /encrypted or pre-2007/],
  ] as const)
    await assert.rejects(
      readDocx(bytes, "a.docx"),
      (error: Error) =>
        error instanceof InputError && error.message.startsWith("a.docx: expected DOCX") && message.test(error.message),
    );
});

function paragraph(text: string, properties = "", after = ""): string {
  return `<w:p><w:pPr>${properties}</w:pPr><w:r><w:t>${text}</w:t></w:r>${after}</w:p>`;
}

/** The parts that a reader needs, and no more: types, relationships, document, and footnotes if any. */
function makeDocx(body: string, footnotes = ""): Uint8Array {
  const word = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";
  const relationships = "http://schemas.openxmlformats.org/package/2006/relationships";
  const office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
  const relation = (type: string, target: string) =>
    `<Relationships xmlns="${relationships}"><Relationship Id="r1" Type="${office}/${type}" Target="${target}"/></Relationships>`;
  return zipSync({
    "[Content_Types].xml": strToU8(
      '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>',
    ),
    "_rels/.rels": strToU8(relation("officeDocument", "word/document.xml")),
    "word/_rels/document.xml.rels": strToU8(relation("footnotes", "footnotes.xml")),
    "word/document.xml": strToU8(`<w:document xmlns:w="${word}"><w:body>${body}</w:body></w:document>`),
    "word/footnotes.xml": strToU8(`<w:footnotes xmlns:w="${word}">${footnotes}</w:footnotes>`),
  });
}
