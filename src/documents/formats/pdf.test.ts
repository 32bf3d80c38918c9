import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { InputError } from "../../runtime/errors.ts";
import { readPdf } from "./pdf.ts";

test("a PDF is read page by page, a line to a line, with an empty line at a gap and between pages", async () => {
  const pdf = makePdf([
    showLines([700, "The ship left"], [686, "at dawn \\(late\\)."], [658, "Nobody saw it."], [644, "It was dark."]),
    showLines([700, "Page two."]),
  ]);
  const skipped: string[] = [];
  assert.equal(
    await readPdf(pdf, "a.pdf", { onSkip: (path, reason) => skipped.push(`${path}: ${reason}`) }),
    "The ship left\nat dawn (late).\n\nNobody saw it.\nIt was dark.\n\nPage two.",
  );
  assert.deepEqual(skipped, []);
});

test("Chinese text in a font that names one of Adobe's character maps is read", async () => {
  const bytes = makePdf(["BT /F2 12 Tf 72 700 Td <4E2D6587> Tj ET"]);
  assert.equal(await readPdf(bytes, "a.pdf", {}), "中文");
});

test("reading a PDF writes nothing to the console and leaves no classes behind", async () => {
  const methods = (["log", "info", "warn", "error"] as const).map((name) => mock.method(console, name, () => {}));
  const bytes = makePdf([showLines([700, "Text"])]);
  await readPdf(bytes, "a.pdf", {});
  await assert.rejects(readPdf(bytes.subarray(0, 40), "a.pdf", {}), InputError);
  const numCalls = methods.map(({ mock: { calls } }) => calls.length);
  mock.restoreAll();
  assert.deepEqual(numCalls, [0, 0, 0, 0]);
  assert.equal("DOMMatrix" in globalThis, false);
  assert.ok(bytes.byteLength > 0, "the caller's bytes are still there");
});

test("pages without text are reported, and a PDF that has no others is refused with a word about OCR", async () => {
  const skipped: string[] = [];
  const text = await readPdf(makePdf([showLines([700, "Text"]), drawBox, drawBox]), "a.pdf", {
    onSkip: (path, reason) => skipped.push(`${path} ${reason}`),
  });
  assert.equal(text, "Text");
  assert.deepEqual(skipped, ["a.pdf 2 of 3 pages hold no text: 2, 3"]);
  await assert.rejects(
    readPdf(makePdf([drawBox, drawBox]), "scan.pdf", {}),
    (error: Error) => error instanceof InputError && /^scan\.pdf: .*2 pages.*OCR/.test(error.message),
  );
});

test("an encrypted PDF is refused as such", async () => {
  const key = "00".repeat(32);
  const pdf = makePdf(
    [showLines([700, "Secret"])],
    `/Encrypt << /Filter /Standard /V 1 /R 2 /O <${key}> /U <${key}> /P -4 >> /ID [<00> <00>]`,
  );
  await assert.rejects(
    readPdf(pdf, "locked.pdf", {}),
    (error: Error) => error instanceof InputError && /^locked\.pdf: is encrypted.*password/.test(error.message),
  );
});

test("a PDF cut off at any of 20 places is refused with InputError", async () => {
  const pdf = makePdf([showLines([700, "First"]), showLines([700, "Second"])]);
  for (let cut = 0; cut < 20; cut++)
    await assert.rejects(
      readPdf(pdf.subarray(0, Math.floor((pdf.length * cut) / 20)), "cut.pdf", {}),
      (error: Error) => error instanceof InputError && /^cut\.pdf: expected PDF.*damaged/.test(error.message),
      `cut at ${cut}/20`,
    );
});

test("an aborted signal stops a PDF before its next page", async () => {
  const pdf = makePdf([showLines([700, "Text"])]);
  await assert.rejects(readPdf(pdf, "a.pdf", { signal: AbortSignal.abort() }), { name: "AbortError" });
});

/** A picture of a page, as far as text goes: a filled rectangle. */
const drawBox = "100 100 200 200 re f";

function showLines(...lines: [y: number, text: string][]): string {
  return lines.map(([y, text]) => `BT /F1 12 Tf 72 ${y} Td (${text}) Tj ET`).join("\n");
}

/** The smallest PDF 1.4 file with a page for each content stream and a right cross-reference table. */
function makePdf(contents: string[], trailer = ""): Uint8Array {
  const objects = [
    "<< /Type /Catalog /Pages 2 0 R >>",
    `<< /Type /Pages /Count ${contents.length} /Kids [${contents.map((_, i) => `${6 + 2 * i} 0 R`).join(" ")}] >>`,
    "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    "<< /Type /Font /Subtype /Type0 /BaseFont /Song /Encoding /UniGB-UCS2-H /DescendantFonts [5 0 R] >>",
    "<< /Type /Font /Subtype /CIDFontType0 /BaseFont /Song /CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 4 >> /FontDescriptor << /Type /FontDescriptor /FontName /Song /Flags 4 >> >>",
    ...contents.flatMap((content, i) => [
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> /Contents ${7 + 2 * i} 0 R >>`,
      `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
    ]),
  ];
  let pdf = "%PDF-1.4\n";
  const offsets = objects.map((object, i) => {
    const offset = pdf.length;
    pdf += `${i + 1} 0 obj\n${object}\nendobj\n`;
    return `${String(offset).padStart(10, "0")} 00000 n \n`;
  });
  const start = pdf.length;
  pdf += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${offsets.join("")}`;
  pdf += `trailer << /Size ${objects.length + 1} /Root 1 0 R ${trailer} >>\nstartxref\n${start}\n%%EOF\n`;
  return Buffer.from(pdf, "latin1");
}
