/** The prompt of `longspan ask`: documents first, question last, so that a second question shares everything before it. */

const WITH_DOCUMENT =
  "Answer the question from the document. Be brief and exact. If the document does not contain the answer, say so.";
const WITHOUT_DOCUMENT = "You are a helpful assistant. Be brief and exact.";

export interface NamedText {
  readonly name: string;
  readonly text: string;
}

export interface JoinedText {
  /** Of one document, its text alone; of several, each under a line with its name. */
  readonly text: string;
  /** Where the text of each begins, in characters. */
  readonly starts: readonly number[];
}

export interface Exchange {
  readonly question: string;
  /** Missing from the last, which is to be answered. */
  readonly answer?: string;
}

export interface TextPart {
  readonly type: "text";
  readonly text: string;
}

export interface Message {
  readonly role: "system" | "user" | "assistant";
  readonly content: string | readonly TextPart[];
}

export function joinTexts(documents: readonly NamedText[]): JoinedText {
  if (documents.length === 1) return { text: documents[0].text, starts: [0] };
  const starts: number[] = [];
  let joined = "";
  for (const { name, text } of documents) {
    joined += `${joined && "\n"}===== ${name} =====\n`;
    starts.push(joined.length);
    joined += text.replace(/\n*$/, "\n");
  }
  return { text: joined, starts };
}

/** The documents are a part of their own: what a trace calls its text. */
export function messagesOf(documents: string, exchanges: readonly Exchange[]): Message[] {
  const messages: Message[] = [{ role: "system", content: documents ? WITH_DOCUMENT : WITHOUT_DOCUMENT }];
  for (const [index, { question, answer }] of exchanges.entries()) {
    const content = index === 0 && documents ? [textPart(documents), textPart(`\n\n${question}`)] : question;
    messages.push({ role: "user", content });
    if (answer !== undefined) messages.push({ role: "assistant", content: answer });
  }
  return messages;
}

function textPart(text: string): TextPart {
  return { type: "text", text };
}
