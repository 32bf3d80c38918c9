import assert from "node:assert/strict";
import { test } from "node:test";
import { vocabularyMetadata } from "../../test/support/tiny-vocabulary.ts";
import { createTokenizer } from "../tokenizer/tokenizer.ts";
import { Conversation } from "./conversation.ts";

type Metadata = Parameters<typeof createTokenizer>[0];
const metadata = new Map(Object.entries(vocabularyMetadata(300))) as Metadata;
const tokenizer = createTokenizer(metadata);
const end = tokenizer.specialTokens.get("<|im_end|>")!;
const textOf = (ids: Iterable<number>) => tokenizer.decode([...ids], { special: true });

/** Follows a conversation as a session would, so that what it holds can be compared with what a template renders. */
class Held {
  ids: number[] = [];
  readonly conversation: Conversation;
  restarts = 0;

  constructor(of = tokenizer) {
    this.conversation = new Conversation(of, "The text.");
  }

  ask(question: string): string {
    const { tokenIds, restart } = this.conversation.ask(question);
    if (restart) {
      this.restarts++;
      this.ids = [];
    }
    this.ids.push(...tokenIds);
    return textOf(tokenIds);
  }

  answer(text: string, ids: number[]): void {
    this.ids.push(...ids);
    this.conversation.answered(text, ids);
  }
}

const afterAnswer = "\n<|im_start|>user\nWhen?<|im_end|>\n<|im_start|>assistant\n";

test("the second question reads only what is new, whether or not the end token is held", () => {
  const ids = [...tokenizer.encode("So.")];
  for (const [generated, expected] of [
    [[...ids, end], afterAnswer],
    [ids, `<|im_end|>${afterAnswer}`],
    [[], `<|im_end|>${afterAnswer}`],
  ] as const) {
    const held = new Held();
    held.ask("Why?");
    held.answer(generated.length > 0 ? "So." : "", [...generated]);
    assert.equal(held.ask("When?"), expected);
    assert.equal(held.restarts, 0);
  }
});

test("an answer that was cut into other tokens than the tokenizer's is kept as it was generated", () => {
  const held = new Held();
  held.ask("Why?");
  const bytes = [..."the end"].map((character) => tokenizer.encode(character)[0]);
  assert.notEqual(bytes.length, tokenizer.encode("the end").length);
  held.answer("the end", [...bytes, end]);
  assert.equal(held.ask("When?"), afterAnswer);
  held.answer("Now.", [...tokenizer.encode("Now."), end]);
  assert.match(held.ask("Where?"), /^\n<\|im_start\|>user\nWhere\?/);
  assert.equal(held.restarts, 0);
  assert.equal(textOf(held.ids).match(/the end<\|im_end\|>/g)?.length, 1);
});

test("a template that rewrites earlier turns makes the conversation start over", () => {
  const rewriting = String(metadata.get("tokenizer.chat_template")).replace(
    "message['content'] +",
    "(message['content'] if loop.last or message['role'] != 'user' else 'dropped') +",
  );
  const held = new Held(createTokenizer(new Map([...metadata, ["tokenizer.chat_template", rewriting]])));
  held.ask("Why?");
  held.answer("So.", [...tokenizer.encode("So."), end]);
  held.ask("When?");
  assert.equal(held.restarts, 1);
  assert.match(textOf(held.ids), /user\ndropped<\|im_end\|>/);
});

test("after a question is withdrawn, only what the session does not hold is read", () => {
  const held = new Held();
  held.ask("Why?");
  held.answer("So.", [...tokenizer.encode("So."), end]);
  const before = held.ids.length;
  held.ask("What about this long question?");
  // Nothing of it was read: the next one goes where it would have gone.
  const missing = held.ids.length - before;
  held.conversation.withdraw(missing);
  held.ids.length = before;
  assert.equal(held.ask("When?"), afterAnswer);
  assert.equal(held.restarts, 0);
});

test("a question withdrawn in the middle of the document goes on from there, one withdrawn at its end starts over", () => {
  const whole = new Held();
  whole.ask("Why?");
  for (const [missing, restarts] of [
    [whole.ids.length - 30, 0],
    [1, 1],
  ]) {
    const held = new Held();
    held.ask("Why?");
    held.conversation.withdraw(missing);
    held.ids.length -= missing;
    held.ask("When?");
    assert.equal(held.restarts, restarts);
    const fresh = new Held();
    fresh.ask("When?");
    assert.deepEqual(held.ids, fresh.ids);
  }
});
