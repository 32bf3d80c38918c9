/**
 * Tools for chat templates that know of none: described in the system message, called and answered in plain text, in the form of
 * Hermes (https://github.com/NousResearch/Hermes-Function-Calling), which Qwen's templates write as well.
 */
import type { ChatMessage, ToolDescription } from "./chat-template.ts";

/** Whether a template describes tools, and calls in the form that is read out of answers. */
export function knowsTools(template: string): boolean {
  return /\btools\b/.test(template) && template.includes("<tool_call>") && !template.includes("<function=");
}

/** The same conversation without tools, calls and their results as anything but text. */
export function withToolsAsText(messages: readonly ChatMessage[], tools: readonly ToolDescription[]): ChatMessage[] {
  const result: ChatMessage[] = [];
  for (const [i, message] of messages.entries()) {
    if (message.role === "tool") {
      const response = `<tool_response>\n${message.content}\n</tool_response>`;
      // Several results are one turn.
      if (messages[i - 1]?.role === "tool") result[result.length - 1].content += `\n${response}`;
      else result.push({ role: "user", content: response });
    } else
      result.push({ role: message.role, content: [message.content, ...callsOf(message)].filter(Boolean).join("\n") });
  }
  if (tools.length === 0) return result;
  const [first] = result;
  const told = toolPrompt(tools);
  if (first?.role !== "system" && first?.role !== "developer") return [{ role: "system", content: told }, ...result];
  return [{ ...first, content: `${first.content}\n\n${told}` }, ...result.slice(1)];
}

function callsOf({ tool_calls: calls = [] }: ChatMessage): string[] {
  return calls.map(
    ({ function: { name, arguments: given } }) =>
      `<tool_call>\n{"name": ${JSON.stringify(name)}, "arguments": ${JSON.stringify(given)}}\n</tool_call>`,
  );
}

function toolPrompt(tools: readonly ToolDescription[]): string {
  return [
    "You can call functions to help the user. These are the functions, as JSON:",
    "<tools>",
    ...tools.map((tool) => JSON.stringify(tool)),
    "</tools>",
    "To call one, write a JSON object with its name and its arguments inside <tool_call></tool_call>:",
    '<tool_call>\n{"name": "function-name", "arguments": {"argument": "value"}}\n</tool_call>',
    "What it gives back comes inside <tool_response></tool_response>.",
  ].join("\n");
}
