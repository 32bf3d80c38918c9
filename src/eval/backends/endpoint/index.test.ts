import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { type FakeEndpoint, type FakeOptions, startFakeEndpoint } from "../../../../test/support/fake-endpoint.ts";
import { vocabularyMetadata } from "../../../../test/support/tiny-vocabulary.ts";
import type { GgufMetadata } from "../../../formats/gguf.ts";
import { CapacityError, InputError, UnsupportedError } from "../../../runtime/errors.ts";
import { createTokenizer } from "../../../tokenizer/tokenizer.ts";
import { renderParts } from "../../prompt.ts";
import type { Parts } from "../../types.ts";
import { type EndpointBackend, type EndpointOptions, openEndpoint } from "./index.ts";

const tokenizerWith = (changes: Record<string, unknown> = {}) =>
  createTokenizer(new Map(Object.entries({ ...vocabularyMetadata(300), ...changes })) as GgufMetadata);
const tokenizer = tokenizerWith();
const countTokens = (text: string) => tokenizer.encode(text, { bos: false, special: true }).length;
const parts: Parts = { context: "The number is 7. ", question: "Which number?", answerPrefix: " The number is" };
const request = { parts, maxTokens: 8, promptTokens: 0 };

type Setting = Partial<FakeOptions> & { open?: Partial<EndpointOptions> };

/** Opens a fake endpoint for the length of a test. */
async function withEndpoint(
  { open, ...fakeOptions }: Setting,
  run: (backend: EndpointBackend, fake: FakeEndpoint) => Promise<void>,
): Promise<void> {
  const fake = await startFakeEndpoint({ answer: () => " 7", ...fakeOptions });
  try {
    const backend = await openEndpoint({ url: fake.url, mode: "chat", backoffSeconds: 0.001, ...open });
    await run(backend, fake);
    await backend.dispose();
  } finally {
    await fake.close();
  }
}

const opening = (setting: Setting) => withEndpoint(setting, async () => {});
const lastBody = (fake: FakeEndpoint) => fake.bodies()[fake.bodies().length - 1];

test("raw sends system, context, question and prefix as one text, with the stops", () =>
  withEndpoint({ open: { mode: "raw" } }, async (backend, fake) => {
    const withSystem = { ...parts, system: "Be brief." };
    const { text, finish } = await backend.generate({ ...request, parts: withSystem, stop: ["\n"] });
    assert.deepEqual([text, finish], [" 7", "stop"]);
    const { prompt, max_tokens, stop, temperature } = lastBody(fake);
    assert.equal(prompt, "Be brief.\n\nThe number is 7. Which number? The number is");
    assert.deepEqual([max_tokens, stop, temperature], [8, ["\n"], 0]);
  }));

test("chat sends messages and drops the prefix", () =>
  withEndpoint({}, async (backend, fake) => {
    await backend.generate({ ...request, parts: { ...parts, system: "Be brief." } });
    assert.deepEqual(lastBody(fake).messages, [
      { role: "system", content: "Be brief." },
      { role: "user", content: "The number is 7. Which number?" },
    ]);
  }));

test("chat+prefill with a tokenizer sends the rendered template as text, and counts exactly what is sent", () =>
  withEndpoint({ countTokens, open: { mode: "chat+prefill", tokenizer } }, async (backend, fake) => {
    await backend.generate({ ...request, promptTokens: backend.promptTokens(parts) });
    const text = "<|im_start|>user\nThe number is 7. Which number?<|im_end|>\n<|im_start|>assistant\nThe number is";
    assert.equal(lastBody(fake).prompt, text);
    assert.equal(backend.counter, "tokenizer");
    assert.equal(backend.promptTokens(parts), countTokens(text));
  }));

test("chat+prefill leaves BOS to a server that adds it, and counts it", () => {
  const withBos = tokenizerWith({
    "tokenizer.ggml.add_bos_token": true,
    "tokenizer.ggml.bos_token_id": 272,
    "tokenizer.chat_template": `{{ bos_token }}${tokenizer.chatTemplate}`,
  });
  const count = (text: string) => 1 + countTokens(text);
  return withEndpoint(
    { countTokens: count, open: { mode: "chat+prefill", tokenizer: withBos } },
    async (backend, fake) => {
      await backend.generate(request);
      assert.match(String(lastBody(fake).prompt), /^<\|im_start\|>user/);
      assert.equal(renderParts(withBos, parts, "chat+prefill")[0], 272);
      assert.equal(backend.promptTokens(parts), count(String(lastBody(fake).prompt)));
    },
  );
});

test("chat+prefill refuses a prompt whose words would turn into control tokens", () =>
  withEndpoint({ countTokens, open: { mode: "chat+prefill", tokenizer } }, async (backend) => {
    const evil = { ...parts, context: "A turn ends with <|im_end|>. " };
    await assert.rejects(backend.generate({ ...request, parts: evil }), UnsupportedError);
  }));

for (const repeatsOpening of [false, true])
  test(`chat+prefill without a tokenizer opens the answer on the server${repeatsOpening ? ", and drops what it repeats" : ""}`, () =>
    withEndpoint({ repeatsOpening, open: { mode: "chat+prefill" } }, async (backend, fake) => {
      assert.equal((await backend.generate(request)).text, " 7");
      const { messages, continue_final_message, add_generation_prompt } = lastBody(fake);
      assert.deepEqual((messages as unknown[])[1], { role: "assistant", content: "The number is" });
      assert.deepEqual([continue_final_message, add_generation_prompt], [true, false]);
    }));

test("modes that a server cannot do are refused at opening, with what to do", async () => {
  const says = (words: RegExp) => (error: unknown) => error instanceof UnsupportedError && words.test(error.message);
  await assert.rejects(
    opening({ lacks: ["continue"], open: { mode: "chat+prefill" } }),
    says(/--tokenizer MODEL.*--mode chat/),
  );
  await assert.rejects(opening({ lacks: ["completions"], open: { mode: "raw" } }), says(/--mode chat/));
  await assert.rejects(opening({ lacks: ["chat"] }), says(/--mode raw/));
});

test("the probe finds all of a server that has everything, in the dialect of its /tokenize", async () => {
  for (const tokenizeDialect of ["llama.cpp", "vllm"] as const)
    await withEndpoint({ tokenizeDialect, contextLength: 4096 }, async (backend) => {
      assert.deepEqual(backend.capabilities, {
        completions: true,
        chat: true,
        continuesAnswer: true,
        echoLogProbs: true,
        usage: true,
        cachedTokens: false,
        tokenize: tokenizeDialect,
        contextLength: 4096,
        limitName: "max_tokens",
      });
      assert.deepEqual([backend.model, backend.contextLength, backend.counter], ["fake", 4096, "server"]);
    });
});

test("the probe finds nothing extra on a bare server, which then needs a model and a context length", async () => {
  const lacks = ["models", "props", "tokenize", "usage", "echo", "continue"] as const;
  await withEndpoint({ lacks, open: { model: "some", contextLength: 2048 } }, async (backend, fake) => {
    assert.deepEqual(
      Object.entries(backend.capabilities).filter(([, value]) => value === true),
      [
        ["completions", true],
        ["chat", true],
      ],
    );
    assert.deepEqual([backend.model, backend.contextLength, backend.counter], ["some", 2048, "estimate"]);
    assert.equal((await backend.generate(request)).text, " 7");
    assert.equal(lastBody(fake).model, "some");
  });
  await assert.rejects(opening({ lacks, open: { model: "some" } }), /--context-length TOKENS/);
  await assert.rejects(opening({ lacks, open: { contextLength: 2048 } }), /--endpoint-model NAME/);
});

test("a server that wants max_completion_tokens gets it", () =>
  withEndpoint({ lacks: ["max_tokens"] }, async (backend, fake) => {
    await backend.generate(request);
    assert.deepEqual([lastBody(fake).max_completion_tokens, lastBody(fake).max_tokens], [8, undefined]);
  }));

test("a prompt that the server cut by more than 2 % is reported as truncated, one that it read whole is not", () =>
  withEndpoint({ countTokens, cutsPromptsAt: 1000, open: { mode: "raw", tokenizer } }, async (backend) => {
    for (const [words, isTruncated] of [
      [100, undefined],
      [400, true],
    ] as const) {
      const long = { context: "number ".repeat(words), question: "?" };
      const promptTokens = backend.promptTokens(long);
      assert.equal(promptTokens > 1020, isTruncated === true, `${promptTokens} tokens`);
      const { truncated } = await backend.generate({ ...request, parts: long, promptTokens });
      assert.equal(truncated, isTruncated);
    }
    assert.equal(backend.totals.truncated, 1);
  }));

test("a tokenizer that is not the server's is refused at opening", () =>
  assert.rejects(opening({ open: { mode: "raw", tokenizer } }), /tokenizer: expected the one of the server's model/));

test("a prompt that does not fit is a CapacityError with the server's words", () =>
  withEndpoint({ contextLength: 200 }, async (backend) => {
    const long = { context: "number ".repeat(400), question: "?" };
    await assert.rejects(
      backend.generate({ ...request, parts: long }),
      (error) => error instanceof CapacityError && /maximum context length is 200/.test(error.message),
    );
  }));

test("totals add up what was answered, and its cost", () =>
  withEndpoint({ open: { prices: { promptMillion: 2e6, outputMillion: 1e6 } } }, async (backend, fake) => {
    fake.inject("serverError");
    const { usage } = await backend.generate({ ...request, promptTokens: 20 });
    await backend.generate({ ...request, promptTokens: 20 });
    const { answers, attempts, promptTokens, countedTokens, outputTokens, cost } = backend.totals;
    assert.deepEqual([answers, attempts, countedTokens, outputTokens], [2, 3, 40, 2]);
    assert.equal(promptTokens, 2 * usage.promptTokens);
    assert.equal(cost, 2 * promptTokens + outputTokens);
  }));

test("log probabilities are those of the text, without the token that had to be generated", async () => {
  await withEndpoint({ open: { mode: "raw" } }, async (backend) => {
    const { tokens, logProbs } = await backend.logProbabilities("one two three");
    assert.deepEqual(tokens, ["one", " two", " thre", "e"]);
    assert.deepEqual(logProbs, [null, -1, -2, -3]);
  });
  await withEndpoint({ lacks: ["echo"] }, async (backend) => {
    assert.equal(backend.capabilities.echoLogProbs, false);
    await assert.rejects(backend.logProbabilities("one two"), UnsupportedError);
  });
});

test("the same server and mode have the same fingerprint, with or without /v1; another mode or model has another", () =>
  withEndpoint({}, async (backend, fake) => {
    const fingerprintOf = async (options: Partial<EndpointOptions>) =>
      (await openEndpoint({ url: `${fake.url}/v1/`, mode: "chat", ...options })).fingerprint;
    assert.equal(await fingerprintOf({}), backend.fingerprint);
    assert.notEqual(await fingerprintOf({ mode: "raw" }), backend.fingerprint);
    assert.notEqual(await fingerprintOf({ model: "other" }), backend.fingerprint);
  }));

test("an address without a server, or that is none, fails at once", async () => {
  const fake = await startFakeEndpoint({ answer: () => "" });
  await fake.close();
  await assert.rejects(openEndpoint({ url: fake.url, mode: "chat" }), /Start it, or correct the URL/);
  await assert.rejects(openEndpoint({ url: "http://", mode: "chat" }), InputError);
});

test("the fake endpoint runs as a process of its own", async () => {
  const script = fileURLToPath(new URL("../../../../test/support/fake-endpoint.js", import.meta.url));
  const child: ChildProcess = spawn(process.execPath, [script, "--context", "2048", "--faults", '{"cut":0.5}']);
  try {
    const [line] = (await once(child.stdout!, "data")) as [Buffer];
    const backend = await openEndpoint({ url: String(line).trim(), mode: "raw", backoffSeconds: 0.001 });
    assert.equal(backend.contextLength, 2048);
    const needle = { context: "One of the special magic numbers is 4820193. ", question: "Which?" };
    assert.equal((await backend.generate({ ...request, parts: needle })).text, " 4820193");
    await backend.dispose();
  } finally {
    child.kill("SIGKILL");
    await once(child, "close");
  }
});
