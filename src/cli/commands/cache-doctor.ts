/** longspan cache doctor A.json B.json: why a request does not reuse what an earlier one read. */
import type { Command } from "commander";
import { readBytes } from "../../documents/bytes.ts";
import { defaultModel } from "../../hub/catalogue.ts";
import { InputError, UnsupportedError } from "../../runtime/errors.ts";
import type { ChatMessage } from "../../tokenizer/chat-template.ts";
import { type Diagnosis, diagnose } from "../cache-doctor-advice.ts";
import { interruptible } from "../interrupt.ts";
import { write } from "../output.ts";
import { formatCount } from "../statistics.ts";
import { printable } from "./cache-find.ts";

const EXAMPLES = `
A and B are requests as OpenAI's clients send them: {"messages": [...]} or
{"prompt": "..."}. What B has in common with A from its first token on is
read once; the first difference ends it.

Examples:
  $ longspan cache doctor first.json second.json
  $ longspan cache doctor first.json second.json -m smollm2-135m --json`;

interface DoctorOptions {
  model: string;
  json?: true;
}

/** What a request asks a model to read. */
type ReadRequest = ({ readonly messages: ChatMessage[] } | { readonly prompt: string }) & {
  /** As JSON; empty if there are none. */
  readonly tools: string;
};

export function addDoctor(cache: Command): void {
  cache
    .command("doctor")
    .description("say where two requests part, how much is reused, and what would make it more")
    .argument("<A.json>", "the request that was read first")
    .argument("<B.json>", "the request that comes after it")
    // As addModelOption(), which would load plans and techniques for every command of the cache.
    .option("-m, --model <model>", "catalogue name, GGUF file, or hf:owner/repo/file.gguf", defaultModel)
    .option("--json", "print one JSON object")
    .addHelpText("after", EXAMPLES)
    .action(async (pathA: string, pathB: string, options: DoctorOptions) => {
      const { signal, release } = interruptible();
      await write(await examine(pathA, pathB, options, signal).finally(release));
    });
}

/** What `doctor` prints. Requests are checked before the model is looked for. */
async function examine(pathA: string, pathB: string, options: DoctorOptions, signal: AbortSignal): Promise<string> {
  const [a, b] = [await readRequest(pathA, signal), await readRequest(pathB, signal)];
  // Imported here so that the other commands of the cache start without tokenizers.
  const [{ findModel }, { renderPlain, renderWithSpans }] = await Promise.all([
    import("../model.ts"),
    import("../chat-spans.ts"),
  ]);
  const { tokenizer } = await findModel(options.model, signal);
  const render = (request: ReadRequest) =>
    "messages" in request ? renderWithSpans(tokenizer, request.messages) : renderPlain(tokenizer, request.prompt);
  const diagnosis = diagnose(render(a), render(b));
  const note = toolsNote(a.tools, b.tools);
  if (options.json) return `${JSON.stringify({ ...diagnosis, ...(note && { note }) })}\n`;
  return `${textOf(diagnosis)}${note ? `\n${note}` : ""}\n`;
}

function textOf({ tokensA, tokensB, sharedTokens, sharedBlocks, reused, divergence, advice }: Diagnosis): string {
  const lines = [
    `A       ${formatCount(tokensA)} tokens`,
    `B       ${formatCount(tokensB)} tokens`,
    `shared  ${formatCount(sharedTokens)} tokens, ${formatCount(sharedBlocks)} whole blocks of 64: ${Math.floor(reused * 100)} % of B is reused`,
  ];
  if (divergence) {
    const { message, role, offset, before, afterA, afterB } = divergence;
    const place = message === undefined ? "the prompt, outside of messages" : `message ${message} (${role})`;
    lines.push(
      `parts   in ${place}, at character ${formatCount(offset)}`,
      `before  ${quoted(before)}`,
      `in A    ${quoted(afterA)}`,
      `in B    ${quoted(afterB)}`,
    );
  }
  return [...lines, "", advice].join("\n");
}

function quoted(text: string): string {
  return printable(JSON.stringify(text));
}

/** Templates are rendered without tools here. */
function toolsNote(toolsA: string, toolsB: string): string | undefined {
  if (toolsA === toolsB)
    return toolsA === "" ? undefined : "Both requests have the same tools; the figures above are without them.";
  return "The tools differ, and the figures above are without them. Most templates write tools first, so that nothing is reused: send the same tools in the same order.";
}

/** Throws InputError for a file that cannot be read or is no request, UnsupportedError for what is not text. */
async function readRequest(path: string, signal: AbortSignal): Promise<ReadRequest> {
  const body = parse(path, await readBytes(path, signal));
  const { messages, prompt, tools } = (body ?? {}) as Record<string, unknown>;
  const asked = { tools: Array.isArray(tools) && tools.length > 0 ? JSON.stringify(tools) : "" };
  if (typeof prompt === "string" && messages === undefined) return { prompt, ...asked };
  if (!Array.isArray(messages) || messages.length === 0)
    throw new InputError(
      `${path}: expected {"messages": [{"role", "content"}, …]} or {"prompt": "…"}, got neither. Save the body of the request as it is sent.`,
    );
  return { messages: messages.map((message, i) => messageOf(`${path}: messages[${i}]`, message)), ...asked };
}

function parse(path: string, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new InputError(`${path}: expected JSON, got other text (${(cause as Error).message}). Correct the file.`);
  }
}

function messageOf(where: string, message: unknown): ChatMessage {
  const { role, content } = (message ?? {}) as Record<string, unknown>;
  if (typeof role !== "string")
    throw new InputError(`${where}: expected a role, got ${JSON.stringify(role) ?? "none"}. Correct the request.`);
  if (typeof content === "string") return { role, content };
  // An assistant that called tools said nothing.
  if (content === null || content === undefined) return { role, content: "" };
  if (!Array.isArray(content))
    throw new InputError(`${where}.content: expected text or a list of parts, got another value. Correct the request.`);
  return { role, content: content.map((part, i) => textOfPart(`${where}.content[${i}]`, part)).join("") };
}

function textOfPart(where: string, part: unknown): string {
  const { type, text } = (part ?? {}) as Record<string, unknown>;
  if (type === "text" && typeof text === "string") return text;
  throw new UnsupportedError(
    `${where}: expected {"type": "text", "text": "…"}, got a part of type ${JSON.stringify(type) ?? "none"}. Leave out what is not text.`,
    { got: type },
  );
}
