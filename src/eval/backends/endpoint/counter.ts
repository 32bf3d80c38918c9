/**
 * How many tokens the server will read. Exact with the model's own tokenizer, which is checked against the server's
 * counts; estimated otherwise, from ratios measured once at opening. They stay as they are from then on: a sample is
 * filled by this count, and must not depend on the answers that came before it.
 */
import { InputError } from "../../../runtime/errors.ts";
import type { Tokenizer } from "../../../tokenizer/tokenizer.ts";
import { renderParts } from "../../prompt.ts";
import type { Parts, PromptMode } from "../../types.ts";
import { estimateTokens, type Kind, type Ratios, ratiosFrom, record, samplesOfKinds, usualRatios } from "./estimate.ts";
import type { Prompt } from "./protocol.ts";
import type { Render } from "./render.ts";

export interface TokenCounter {
  /** tokenizer: exact. server: estimated, ratios from the server's tokenizer. estimate: ratios from usage, or usual ones. */
  readonly kind: "tokenizer" | "server" | "estimate";
  promptTokens(parts: Parts): number;
  countTokens(text: string): number;
}

export interface CounterSources {
  readonly mode: PromptMode;
  readonly render: Render;
  readonly tokenizer?: Tokenizer;
  /** Tokens that the server says it read. Absent where it does not say. */
  readonly usageOf?: (prompt: Prompt) => Promise<number>;
  /** The server's tokenizer. */
  readonly tokensOf?: (text: string) => Promise<number>;
}

/** The detector of cut prompts looks for 2 %: a tokenizer that is wrong by more would set it off. */
const tolerance = 0.02;
const shortText = "a";

export function createCounter(sources: CounterSources): Promise<TokenCounter> {
  return sources.tokenizer ? exactCounter(sources, sources.tokenizer) : estimatingCounter(sources);
}

async function exactCounter({ mode, render, usageOf }: CounterSources, tokenizer: Tokenizer): Promise<TokenCounter> {
  const own = (parts: Parts) => renderParts(tokenizer, parts, mode).length;
  // Markup that only the server knows: its BOS, the date or the system text of its template.
  let markup = 0;
  if (usageOf) {
    const [short, long] = [shortText, Object.values(samplesOfKinds).join("\n")].map(partsOf);
    const [shortOnServer, longOnServer] = await Promise.all([usageOf(render(short)), usageOf(render(long))]);
    const expected = longOnServer - shortOnServer;
    const counted = own(long) - own(short);
    if (Math.abs(counted - expected) > tolerance * expected)
      throw new InputError(
        `tokenizer: expected the one of the server's model, which reads ${expected} tokens in a text, got one that reads ${counted}. Pass --tokenizer with the model that the server runs.`,
        { expected, got: counted },
      );
    markup = shortOnServer - own(short);
  }
  return {
    kind: "tokenizer",
    promptTokens: (parts) => own(parts) + markup,
    countTokens: (text) => tokenizer.encode(text, { bos: false }).length,
  };
}

async function estimatingCounter({ render, usageOf, tokensOf }: CounterSources): Promise<TokenCounter> {
  const shortUsage = await usageOf?.(render(partsOf(shortText)));
  const measure =
    tokensOf ?? (usageOf && (async (text: string) => (await usageOf(render(partsOf(text)))) - (shortUsage! - 1)));
  const ratios = measure ? await measureRatios(measure) : usualRatios;
  const count = (text: string) => estimateTokens(text, ratios);
  const markup = shortUsage === undefined ? 0 : shortUsage - count(textOf(render(partsOf(shortText))));
  return {
    kind: tokensOf ? "server" : "estimate",
    promptTokens: (parts) => Math.max(1, Math.ceil(count(textOf(render(parts))) + markup)),
    countTokens: (text) => Math.ceil(count(text)),
  };
}

async function measureRatios(measure: (text: string) => Promise<number>): Promise<Ratios> {
  const tokens = record(() => 0);
  await Promise.all(
    Object.entries(samplesOfKinds).map(async ([kind, text]) => {
      tokens[kind as Kind] = await measure(text);
    }),
  );
  return ratiosFrom(tokens);
}

function partsOf(text: string): Parts {
  return { context: text, question: "" };
}

/** The words of a prompt, without the markup around them. */
function textOf(prompt: Prompt): string {
  if (prompt.kind === "text") return prompt.text;
  return prompt.messages.map(({ content }) => content).join("\n") + (prompt.opening ?? "");
}
