/** The contract with @langchain/openai. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { ChatOpenAI, OpenAIEmbeddings } from "@langchain/openai";
import { tinyServer } from "./tiny-server.ts";
import { place, tools } from "./travel.ts";

const tiny = await tinyServer();
after(() => tiny.close());
const configuration = { baseURL: `${tiny.url}/v1` };
const common = { model: "tiny", apiKey: "none", maxRetries: 0, configuration };
const chat = new ChatOpenAI({ ...common, temperature: 0, maxTokens: 8 });
const prompt = `${"the sand and the wind, on and on; ".repeat(8)}Who?`;

test("invoke and stream give the same text; usage tells the tokens that were read before", async () => {
  const whole = await chat.invoke(prompt);
  let text = "";
  let cached: number | undefined;
  for await (const chunk of await chat.stream(prompt)) {
    text += chunk.content;
    cached = chunk.usage_metadata?.input_token_details?.cache_read ?? cached;
  }
  assert.equal(text, whole.content);
  assert.equal(cached, whole.usage_metadata?.input_tokens);
});

test("an abort ends the request on the server", async () => {
  const controller = new AbortController();
  const endless = new ChatOpenAI({ ...common, maxTokens: 1400, modelKwargs: { ignore_eos: true } });
  await assert.rejects(async () => {
    for await (const { content } of await endless.stream("Who?", { signal: controller.signal }))
      if (content) controller.abort();
  });
  await tiny.idle();
});

test("embedDocuments gives one vector a text, embedQuery the same for the same text", async () => {
  const embeddings = new OpenAIEmbeddings(common);
  const [a, b] = await embeddings.embedDocuments(["the sand", "a lighthouse"]);
  assert.deepEqual(await embeddings.embedQuery("the sand"), a);
  assert.notDeepEqual(a, b);
});

test("a prompt that is too long is an error with OpenAI's code", () =>
  assert.rejects(chat.invoke("word ".repeat(4000)), /maximum context length/));

test("bound tools and structured output", async () => {
  const roomy = new ChatOpenAI({ ...common, temperature: 0, maxTokens: 200 });
  const bound = roomy.bindTools(tools, { tool_choice: "required" });
  const { tool_calls: calls = [] } = await bound.invoke(prompt);
  assert.equal(calls[0].name, "travel");
  place.parse(calls[0].args);
  place.parse(await roomy.withStructuredOutput(place, { name: "place", method: "jsonSchema" }).invoke(prompt));
});
