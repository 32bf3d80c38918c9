/** The page asks as `longspan ask` does. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { renderPrompt } from "../../src/cli/prompt.ts";
import { joinDocuments } from "../../src/documents/read.ts";
import { chatSchema, messagesOf as messagesOfRequest } from "../../src/server/chat-request.ts";
import { renderChat } from "../../src/tokenizer/chat-template.ts";
import { joinTexts, messagesOf } from "../../web/src/prompt.ts";
import { loadTiny } from "../support/sessions.ts";

const engine = await loadTiny("qwen2-q8_0");
after(() => engine.dispose());
const { tokenizer } = engine;

const files = [
  { name: "a.md", text: "# Sand\n\nand wind\n\n\n" },
  { name: "folder/b.txt", text: "another shore" },
];

test("the page's prompts are those of `longspan ask` and `chat`, token for token", () => {
  const exchanges = [{ question: "Where?", answer: "In the west." }, { question: "And who?" }];
  for (const documents of [files, files.slice(0, 1), []]) {
    const { text } = joinTexts(documents);
    for (const length of [1, 2]) {
      const asked = exchanges.slice(0, length);
      const request = chatSchema.parse({ messages: messagesOf(text, asked) });
      assert.deepEqual(renderChat(tokenizer, messagesOfRequest(request)), renderPrompt(tokenizer, text, asked));
    }
  }
});

test("documents are joined as the command line joins them", () => {
  for (const documents of [files, files.slice(0, 1)])
    assert.deepEqual(joinTexts(documents), joinDocuments(documents.map(({ name, text }) => ({ path: name, text }))));
});
