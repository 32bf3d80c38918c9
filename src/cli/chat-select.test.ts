/** A conversation under a plan that selects: every question chooses anew what goes on, as if all had been read for it. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { runCli } from "../../test/support/cli.ts";
import { temporaryFolder, testHost, writeModel } from "../../test/support/sessions.ts";
import { tinyModel } from "../../test/support/tiny-model.ts";
import { parsePlan } from "../context/plan.ts";
import { loadEngine } from "../engine/load.ts";
import { Conversation } from "./conversation.ts";
import { stopsOf } from "./prompt.ts";

const model = writeModel(tinyModel("qwen2", { layers: 4, hiddenSize: 64, feedForward: 96 }));
const book = join(temporaryFolder(), "book.txt");
const document = Array.from({ length: 70 }, (_, i) => `${i} is a line.\n`).join("");
writeFileSync(book, document);
const plan = { prefill: { select: { method: "fastkv", window: 8, keep: 256, least: 256 } } };
const questions = ["Who?", "Where is it then?", "And why?"];

test("chat answers each question as a session that has read the whole conversation for it, and reads little of it again", async () => {
  const args = ["chat", book, "-m", model, "--max-tokens", "6", "--plan", JSON.stringify(plan), "--no-cache"];
  const { code, stdout, stderr } = await runCli(args, { stdin: `${questions.join("\n")}\n` });
  assert.equal(code, 0, stderr);
  const engine = await loadEngine(testHost(), model);
  const conversation = new Conversation(engine.tokenizer, document);
  const held: number[] = [];
  let expected = "";
  const lengths: number[] = [];
  for (const question of questions) {
    held.push(...conversation.ask(question).tokenIds);
    lengths.push(held.length);
    const session = await engine.session({ plan: parsePlan(plan) });
    await session.prefill(held);
    const ids: number[] = [];
    let text = "";
    for await (const token of session.generate({ maxTokens: 6, stop: stopsOf(engine.tokenizer) })) {
      ids.push(token.tokenId);
      text += token.text;
    }
    await session.dispose();
    conversation.answered(text, ids);
    held.push(...ids);
    expected += `${text}\n`;
  }
  await engine.dispose();
  assert.equal(stdout, expected);
  const read = [...stderr.matchAll(/read ([\d,]+) tokens.*?(?:\(([\d,]+) more were held\))?/g)].map(([, n]) =>
    Number(n.replace(",", "")),
  );
  assert.equal(read[0], lengths[0], stderr);
  for (const tokens of read.slice(1)) assert.ok(tokens < 300, `${tokens} of ${lengths}`);
});
