import assert from "node:assert/strict";
import { test } from "node:test";
import { Hono } from "hono";
import { vocabularyMetadata } from "../../test/support/tiny-vocabulary.ts";
import { createTokenizer } from "../tokenizer/tokenizer.ts";
import { addDocumentRoutes, type DocumentAnswer } from "./documents.ts";
import { asRequestError, errorBody } from "./errors.ts";

const tokenizer = createTokenizer(new Map(Object.entries(vocabularyMetadata(300))) as never);
const app = new Hono();
app.onError((error, context) => context.json(errorBody(asRequestError(error)), asRequestError(error).status));
addDocumentRoutes(app, tokenizer);

async function send(...files: [name: string, content: string | Uint8Array<ArrayBuffer>][]) {
  const form = new FormData();
  for (const [name, content] of files) form.append("files", new File([content], name));
  const response = await app.request("/v1/documents", { method: "POST", body: form });
  assert.equal(response.status, 200);
  return ((await response.json()) as { documents: DocumentAnswer[] }).documents;
}

test("files of a form come back as text with their tokens, in their order", async () => {
  const documents = await send(["b.txt", "the sand"], ["a.html", "<p>the <b>wind</b></p>"]);
  assert.deepEqual(documents, [
    { name: "b.txt", text: "the sand", tokens: tokenizer.encode("the sand", { bos: false }).length, notes: [] },
    { name: "a.html", text: "the wind", tokens: tokenizer.encode("the wind", { bos: false }).length, notes: [] },
  ]);
});

test("one file that cannot be read says why, and the others are read", async () => {
  const [bad, good] = await send(["x.pdf", "no PDF"], ["y.md", "# Sand"]);
  assert.ok("error" in bad && /expected PDF/.test(bad.error) && !bad.error.startsWith("x.pdf"), JSON.stringify(bad));
  assert.ok("text" in good && good.text === "# Sand");
});

test("names are labels: a path opens nothing, control characters are spaces, 300 characters are the most", async () => {
  const [document] = await send(["../../../etc/passwd", "sand"]);
  assert.ok("text" in document && document.text === "sand");
  const [odd] = await send([`a\u0007b${"x".repeat(400)}.txt`, "sand"]);
  assert.ok(odd.name.length === 300 && odd.name.endsWith("x.txt"), odd.name);
  const [empty] = await send(["\u0001", ""]);
  assert.deepEqual(empty, { name: "unnamed", error: "is empty. Give a file with text in it." });
});

test("a body that is no form, or has no files, is refused with what to do", async () => {
  const bare = await app.request("/v1/documents", { method: "POST", body: "{}" });
  assert.equal(bare.status, 400);
  assert.match(await bare.text(), /multipart\/form-data\. Send files/);
  const form = new FormData();
  form.append("files", "only text");
  const none = await app.request("/v1/documents", { method: "POST", body: form });
  assert.equal(none.status, 400);
  assert.match(await none.text(), /expected at least one file/);
});
