/** Tools of a chat request: what the model is told of them, and the grammar of an answer that may or must call them. */
import { z } from "zod";
import type { ToolDescription } from "../tokenizer/chat-template.ts";
import { RequestError } from "./errors.ts";
import type { GrammarFormat } from "./grammar/grammar.ts";
import { GrammarRules, literal } from "./grammar/grammar-rules.ts";
import { addSchema } from "./grammar/schema-grammar.ts";
import { type AskedFormat, named } from "./response-format.ts";
import { CALL_BEGIN, CALL_END, type ToolCallOptions } from "./tool-calls.ts";

const tool = z.looseObject({
  type: z.literal("function"),
  function: z.looseObject({
    name: z.string().regex(/^[\w.:/-]{1,128}$/, "expected letters, digits, _ and -"),
    description: z.string().nullish(),
    parameters: z.record(z.string(), z.unknown()).nullish(),
    strict: z.boolean().nullish(),
  }),
});

const namedTool = z.looseObject({ type: z.literal("function"), function: z.looseObject({ name: z.string() }) });

export const toolFields = {
  tools: z.array(tool).max(128).nullish(),
  tool_choice: z.union([z.enum(["none", "auto", "required"]), namedTool]).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
};

type Tool = z.infer<typeof tool>;
export type ToolRequest = z.infer<z.ZodObject<typeof toolFields>>;

/** What the model is told: nothing where it may call none. */
export function toolsOf({ tools, tool_choice: choice }: ToolRequest): readonly ToolDescription[] {
  return choice === "none" ? [] : (tools ?? []);
}

/** How calls are read out of answers; none where there may be none. */
export function callsOf(request: ToolRequest): ToolCallOptions | undefined {
  if (toolsOf(request).length === 0) return undefined;
  const names = (request.tools ?? []).map((tool) => tool.function.name);
  return { names, isOne: request.parallel_tool_calls === false };
}

/**
 * The format of answers to a request with tools; `otherwise` is that of an answer which calls none, if it has one. Free text may
 * come before and between calls that are not required. A call that has begun is one of a tool there is, with arguments that fit.
 */
export function formatOfTools(request: ToolRequest, otherwise?: AskedFormat): GrammarFormat | undefined {
  const { tool_choice: choice } = request;
  const wanted = wantedTools(request);
  const grammar = new GrammarRules();
  const other = () => otherwise && named(otherwise.param, () => otherwise.addTo(grammar));
  if (wanted.length === 0) return otherwise && ofRule(grammar, other());

  const isOne = isNamed(choice) || request.parallel_tool_calls === false;
  const call = grammar.rule(wanted.map((tool) => callRule(grammar, tool, request)).join(" | "));
  const isRequired = isNamed(choice) || choice === "required";
  if (!isRequired && !otherwise) {
    const content = ofRule(grammar, call);
    const tags = [{ type: "tag" as const, begin: `${CALL_BEGIN}\n`, content, end: `\n${CALL_END}` }];
    return { type: "triggered_tags", triggers: [CALL_BEGIN], tags, stop_after_first: isOne };
  }
  const block = grammar.rule(`${literal(`${CALL_BEGIN}\n`)} ${call} ${literal(`\n${CALL_END}`)}`);
  const calls = grammar.rule(isOne ? block : `${block} (${literal("\n")} ${block})*`);
  return ofRule(grammar, isRequired ? calls : grammar.rule(`${calls} | ${other()}`));
}

function ofRule(grammar: GrammarRules, root = ""): GrammarFormat {
  return { type: "grammar", grammar: grammar.text(root) };
}

function isNamed(choice: ToolRequest["tool_choice"]): choice is z.infer<typeof namedTool> {
  return typeof choice === "object" && choice !== null;
}

function wantedTools({ tools, tool_choice: choice }: ToolRequest): readonly Tool[] {
  const all = choice === "none" ? [] : (tools ?? []);
  const wanted = isNamed(choice) ? all.filter((tool) => tool.function.name === choice.function.name) : all;
  if (wanted.length > 0 || !(isNamed(choice) || choice === "required")) return wanted;
  const got = isNamed(choice) ? JSON.stringify(choice.function.name) : "none at all";
  throw new RequestError(400, `tool_choice: expected a tool out of tools, got ${got}. Add it.`, {
    param: "tool_choice",
  });
}

function callRule(grammar: GrammarRules, tool: Tool, { tools }: ToolRequest): string {
  const { name, parameters, strict } = tool.function;
  const schema = { type: "object", ...(parameters ?? { properties: {} }) };
  const param = `tools.${tools?.indexOf(tool)}.function.parameters`;
  const given = named(param, () => addSchema(grammar, schema, { isStrict: strict === true }));
  return grammar.rule(`${literal(`{"name": ${JSON.stringify(name)}, "arguments": `)} ${given} "}"`);
}
