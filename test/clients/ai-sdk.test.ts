/** The contract with Vercel's AI SDK: ai with @ai-sdk/openai-compatible, which checks every chunk against a schema. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { APICallError, embedMany, generateText, Output, streamText, tool } from "ai";
import { tinyServer } from "./tiny-server.ts";
import { place } from "./travel.ts";

const tiny = await tinyServer();
after(() => tiny.close());
const provider = createOpenAICompatible({
  name: "longspan",
  baseURL: `${tiny.url}/v1`,
  includeUsage: true,
  supportsStructuredOutputs: true,
});
const model = provider.chatModel("tiny");
const greedy = { model, temperature: 0, maxOutputTokens: 8, maxRetries: 0 };
const prompt = `${"the sand and the wind, on and on; ".repeat(8)}Who?`;

test("generateText and streamText give the same text, and tell the tokens that were read before", async () => {
  const whole = await generateText({ ...greedy, prompt });
  const stream = streamText({ ...greedy, prompt });
  let text = "";
  for await (const part of stream.textStream) text += part;
  assert.equal(text, whole.text);
  assert.equal(await stream.finishReason, whole.finishReason);
  const usage = await stream.usage;
  assert.equal(usage.inputTokens, whole.usage.inputTokens);
  assert.equal(usage.inputTokenDetails.cacheReadTokens, usage.inputTokens);
  assert.equal(usage.outputTokens, whole.usage.outputTokens);
});

test("an abort ends the request on the server", async () => {
  const controller = new AbortController();
  const stream = streamText({
    ...{ ...greedy, prompt, maxOutputTokens: 1400, abortSignal: controller.signal },
    providerOptions: { longspan: { ignore_eos: true } },
  });
  let isAborted = false;
  for await (const part of stream.fullStream) {
    if (part.type === "text-delta") controller.abort();
    isAborted ||= part.type === "abort";
  }
  assert.ok(isAborted);
  await tiny.idle();
});

test("embedMany gives vectors of length 1, equal for equal texts", async () => {
  const { embeddings, usage } = await embedMany({
    model: provider.embeddingModel("tiny"),
    values: ["the sand", "a lighthouse", "the sand"],
    maxRetries: 0,
  });
  assert.deepEqual(embeddings[0], embeddings[2]);
  const [a, b] = embeddings;
  const dot = (x: number[], y: number[]) => x.reduce((sum, value, i) => sum + value * y[i], 0);
  assert.ok(Math.abs(dot(a, a) - 1) < 1e-6 && dot(a, b) < 0.999);
  assert.ok(usage.tokens > 0);
});

test("a prompt that is too long is an APICallError that is not to be tried again", async () => {
  await assert.rejects(generateText({ ...greedy, prompt: "word ".repeat(4000) }), (error) => {
    assert.ok(APICallError.isInstance(error));
    assert.deepEqual([error.statusCode, error.isRetryable], [400, false]);
    return /maximum context length/.test(error.message);
  });
});

test("a tool is called with its input, and an object comes by its schema", async () => {
  const common = { ...greedy, prompt, maxOutputTokens: 200 };
  const { toolCalls, finishReason } = await generateText({
    ...{ ...common, toolChoice: "required" as const },
    tools: { travel: tool({ description: "Go there.", inputSchema: place }) },
  });
  assert.deepEqual([toolCalls.length, toolCalls[0].toolName, finishReason], [1, "travel", "tool-calls"]);
  place.parse(toolCalls[0].input);
  const { output } = await generateText({ ...common, output: Output.object({ schema: place }) });
  place.parse(output);
});
