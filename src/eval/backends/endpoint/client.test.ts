import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import {
  type FakeOptions,
  type FaultKind,
  faultKinds,
  startFakeEndpoint,
} from "../../../../test/support/fake-endpoint.ts";
import { InputError } from "../../../runtime/errors.ts";
import { type Client, type ClientOptions, createClient, Exhausted, Refusal } from "./client.ts";
import { paths, readCompletion } from "./protocol.ts";

const patient: Omit<ClientOptions, "root"> = { concurrency: 4, timeoutSeconds: 5, retries: 6, backoffSeconds: 0.001 };

async function withClient(
  options: Partial<FakeOptions> & { client?: Partial<ClientOptions> },
  run: (client: Client, fake: Awaited<ReturnType<typeof startFakeEndpoint>>) => Promise<void>,
): Promise<void> {
  const fake = await startFakeEndpoint({ answer: (prompt) => ` re: ${prompt}`, ...options });
  const client = createClient({ root: fake.url, ...patient, ...options.client });
  try {
    await run(client, fake);
  } finally {
    client.close();
    await fake.close();
  }
}

const complete = (client: Client, prompt: string, signal?: AbortSignal) =>
  client.ask(paths.completions, { prompt, max_tokens: 99 }, (json) => readCompletion(json).text, { signal });

/** A server that replies with the same status, headers and body to everything; run gets the times of the requests. */
async function withReply(
  replies: { status: number; headers?: Record<string, string>; body: string }[],
  run: (client: Client, times: number[]) => Promise<void>,
): Promise<void> {
  const times: number[] = [];
  const server = createServer((_, reply) => {
    const { status, headers, body } = replies[Math.min(times.push(performance.now()), replies.length) - 1];
    reply.writeHead(status, headers).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const root = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = createClient({ root, ...patient });
  try {
    await run(client, times);
  } finally {
    client.close();
    server.close();
  }
}

for (const kind of faultKinds)
  test(`a request is repeated after "${kind}", twice in a row`, () =>
    withClient({ client: { timeoutSeconds: kind === "hang" ? 0.1 : 5 } }, async (client, fake) => {
      fake.inject(kind, kind);
      assert.deepEqual(await complete(client, "one"), { value: " re: one", attempts: 3 });
      assert.equal(fake.requests(), 3);
    }));

test("after the last try the error says what it was, and how often", () =>
  withClient({ client: { retries: 2 } }, async (client, fake) => {
    fake.inject(...Array<FaultKind>(3).fill("serverError"));
    await assert.rejects(
      complete(client, "one"),
      (error) => error instanceof Exhausted && /within 3 tries, got HTTP 500: it broke at the last/.test(error.message),
    );
    assert.equal(fake.requests(), 3);
  }));

test("other 4xx are not repeated, and carry the server's words and a remedy", async () => {
  const cases = [
    [
      400,
      '{"error":{"message":"prompt is missing."}}',
      /HTTP 400: prompt is missing\. Correct what the server names\./,
    ],
    [401, '{"error":"no key"}', /HTTP 401: no key\. Set LONGSPAN_API_KEY\./],
    [422, '{"detail":[{"msg":"bad"}]}', /HTTP 422: \[\{"msg":"bad"\}\]\./],
    [404, "<h1>nothing\n here</h1>", /HTTP 404: <h1>nothing here<\/h1>\. Check the URL/],
    [501, "", /HTTP 501: no reason given\./],
  ] as const;
  for (const [status, body, message] of cases)
    await withReply([{ status, body }], async (client, times) => {
      await assert.rejects(complete(client, "one"), (error) => {
        assert.ok(error instanceof Refusal && error instanceof InputError);
        assert.match(error.message, message);
        return true;
      });
      assert.equal(times.length, 1);
    });
});

test("Retry-After is waited for: 0.2 s as seconds, at least 0.5 s as a date two seconds ahead", async () => {
  const answer = { status: 200, body: '{"choices":[{"text":"hi"}]}' };
  // A date has whole seconds, so two seconds ahead is more than one from now.
  const date = () => new Date(Date.now() + 2000).toUTCString();
  for (const [header, least] of [
    [() => "0.2", 200],
    [date, 500],
  ] as const) {
    const after = header();
    await withReply([{ status: 429, headers: { "retry-after": after }, body: "" }, answer], async (client, times) => {
      await complete(client, "one");
      const waitedMs = times[1] - times[0];
      // Timers may fire a millisecond early.
      assert.ok(waitedMs >= least - 2 && waitedMs < 4000, `${waitedMs} ms`);
    });
  }
});

test("waits double, less up to half of jitter: the 5th try of 20 ms comes after 150 to 300 ms", () =>
  withClient({ client: { backoffSeconds: 0.02 } }, async (client, fake) => {
    fake.inject("serverError", "serverError", "serverError", "serverError");
    const start = performance.now();
    await complete(client, "one");
    const ms = performance.now() - start;
    assert.ok(ms >= 145 && ms < 1500, `${ms} ms`); // its own requests and a busy machine come on top
  }));

test("no more requests are in flight than allowed, and as many as allowed", () =>
  withClient({ latencyMs: 10, client: { concurrency: 5 } }, async (client, fake) => {
    const answers = await Promise.all(Array.from({ length: 23 }, (_, i) => complete(client, `number ${i}`)));
    assert.deepEqual(
      answers.map(({ value }) => value),
      answers.map((_, i) => ` re: number ${i}`),
    );
    assert.equal(fake.maxInFlight(), 5);
  }));

test("200 requests at 50 in flight all get their own answer through 40 % of failures of every kind", () => {
  const faults = { seed: 4, tooMany: 0.1, serverError: 0.1, cut: 0.08, reset: 0.05, garbage: 0.05, hang: 0.02 };
  return withClient({ faults, client: { concurrency: 50, timeoutSeconds: 0.5 } }, async (client, fake) => {
    const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => complete(client, `number ${i}`)));
    assert.ok(answers.every(({ value }, i) => value === ` re: number ${i}`));
    const attempts = answers.reduce((sum, answer) => sum + answer.attempts, 0);
    assert.equal(fake.requests(), attempts);
    assert.ok(attempts > 260, `${attempts} attempts`);
    assert.ok(fake.maxInFlight() <= 50);
  });
});

test("an abort ends a request that hangs, one that waits for its turn and one that waits for its next try", () =>
  withClient({ client: { concurrency: 1, backoffSeconds: 60 } }, async (client, fake) => {
    fake.inject("serverError");
    const controller = new AbortController();
    const betweenTries = complete(client, "one", controller.signal);
    while (fake.requests() < 1) await new Promise((resolve) => setTimeout(resolve, 1));
    fake.inject("hang");
    const hanging = complete(client, "two", controller.signal);
    const inLine = complete(client, "three", controller.signal);
    while (fake.requests() < 2) await new Promise((resolve) => setTimeout(resolve, 1));
    controller.abort();
    const aborted = { name: "AbortError" };
    await Promise.all([betweenTries, hanging, inLine].map((rejected) => assert.rejects(rejected, aborted)));
    assert.equal(fake.requests(), 2);
  }));
