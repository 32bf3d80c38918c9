/** Puts whole answers together from the events of their writing. */
import type { GeneratedToken } from "../engine/types.ts";
import type { Call, Choice } from "./answers.ts";
import type { CompletionEvent, FinishReason } from "./completion.ts";
import type { PromptToken } from "./prompt-log-probs.ts";
import type { Job } from "./respond.ts";

interface Answer {
  text: string;
  calls: { id: string; name: string; arguments: string }[];
  /** Those of the prompt, where they are wanted, and of the answer. */
  tokens: (PromptToken | GeneratedToken)[];
  tokenIds: readonly number[];
  reason: FinishReason;
}

export class AnswerGatherer {
  private readonly job: Job;
  private readonly answers: Answer[];

  constructor(job: Job) {
    this.job = job;
    const { prompts, n } = job.options;
    this.answers = Array.from({ length: prompts.length * n }, () => ({
      ...{ text: "", calls: [], tokens: [], tokenIds: [], reason: "stop" },
    }));
  }

  add(event: CompletionEvent): void {
    const { n } = this.job.options;
    if (event.type === "read")
      for (const answer of this.answers.slice(event.prompt * n, (event.prompt + 1) * n)) {
        answer.text = this.job.echo?.[event.prompt] ?? "";
        answer.tokens = [...(event.logProbs ?? [])];
      }
    if (!("index" in event)) return;
    const answer = this.answers[event.index];
    switch (event.type) {
      case "text":
        answer.text += event.text;
        break;
      case "call":
        answer.calls.push({ id: event.id, name: event.name, arguments: "" });
        break;
      case "arguments":
        answer.calls[event.call].arguments += event.text;
        break;
      case "end":
        Object.assign(answer, { reason: event.reason, tokenIds: event.tokenIds });
        return;
    }
    answer.tokens.push(...event.tokens);
  }

  choices(): Choice[] {
    const { logProbs, showIds, options } = this.job;
    return this.answers.map(({ text, calls, tokens, tokenIds, reason }, index) => ({
      ...{ index, text, reason },
      calls: calls.map(({ id, ...called }): Call => ({ id, type: "function", function: called })),
      ...(logProbs && { logProbs: logProbs()(tokens) }),
      ...(showIds && { tokenIds, promptIds: Array.from(options.prompts[Math.floor(index / options.n)]) }),
    }));
  }
}
