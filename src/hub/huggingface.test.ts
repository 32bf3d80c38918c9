import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { InputError } from "../runtime/errors.ts";
import { huggingFaceSource } from "./huggingface.ts";
import { PartFile } from "./part-file.ts";
import type { Fingerprint, PullOptions } from "./source.ts";

const folder = mkdtempSync(join(tmpdir(), "longspan-hub-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
const partPath = join(folder, "model.gguf.part");
const content = randomBytes(1_000_000);
const sha256 = createHash("sha256").update(content).digest("hex");
const known = { bytes: content.length, sha256 };

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** What the hub does with the next requests; the last handler serves all that follow. */
let handlers: Handler[] = [];
let requests: IncomingMessage[] = [];
const server = createServer((request, response) => {
  requests.push(request);
  (handlers.length > 1 ? handlers.shift()! : handlers[0])(request, response);
});
const cdn = createServer((request, response) => {
  requests.push(request);
  ranged()(request, response);
});
const [hubUrl, cdnUrl] = await Promise.all([server, cdn].map(listen));

beforeEach(() => {
  rmSync(partPath, { force: true });
  requests = [];
  handlers = [ranged()];
  process.env.HF_ENDPOINT = `${hubUrl}/`;
  delete process.env.HF_TOKEN;
});
after(() => {
  for (const each of [server, cdn]) {
    each.closeAllConnections();
    each.close();
  }
});

test("a whole file arrives byte for byte from <endpoint>/<repository>/resolve/main/<file>, with progress to 100 %", async () => {
  const progress: [number, number][] = [];
  await download(known, { onProgress: (done, total) => progress.push([done, total]) });
  assert.ok(readFileSync(partPath).equals(content));
  assert.equal(requests[0].url, "/owner/repository/resolve/main/sub/model.gguf");
  assert.equal(requests[0].headers.range, undefined);
  assert.deepEqual(progress.at(-1), [content.length, content.length]);
});

test("a part that is there is continued by a ranged request, at any byte, and a whole one costs no data", async () => {
  for (const left of [1, 500_000, 999_999, 1_000_000]) {
    requests = [];
    writeFileSync(partPath, content.subarray(0, left));
    await download(known);
    assert.ok(readFileSync(partPath).equals(content), `left at ${left}`);
    assert.deepEqual(
      requests.map(({ headers }) => headers.range),
      [`bytes=${left}-`],
    );
  }
});

test("a download that breaks off twice goes on where it broke", async () => {
  handlers = [ranged({ cutAfter: 300_000 }), ranged({ cutAfter: 300_000 }), ranged()];
  await download(known);
  assert.ok(readFileSync(partPath).equals(content));
  assert.equal(requests.length, 3);
  assert.match(requests[2].headers.range ?? "", /^bytes=[1-9]\d*-$/);
});

test("a download that always breaks off is given up after 4 failures in a row, and what came is kept", async () => {
  handlers = [ranged({ cutAfter: 300_000 }), ranged({ cutAfter: 0 })];
  await assert.rejects(download(known), (error: Error) => {
    return error instanceof InputError && /broke off at byte \d+/.test(error.message);
  });
  const kept = readFileSync(partPath);
  assert.ok(kept.length > 0 && kept.equals(content.subarray(0, kept.length)));
});

test("a server that ignores ranges makes the file start over instead of doubling its beginning", async () => {
  handlers = [(_, response) => response.end(content)];
  writeFileSync(partPath, content.subarray(0, 400_000));
  await download(known);
  assert.ok(readFileSync(partPath).equals(content));
});

test("without a checksum an old part is thrown away, because it may belong to another version of the file", async () => {
  handlers = [ranged({ etag: '"v2"' })];
  writeFileSync(partPath, Buffer.alloc(400_000, "old"));
  const said = await download({});
  assert.ok(readFileSync(partPath).equals(content));
  assert.deepEqual(said, { bytes: content.length, sha256: undefined });
  assert.deepEqual(
    requests.map(({ headers }) => headers.range),
    ["bytes=400000-", undefined],
  );
});

test("without a checksum a break is still continued if the file's tag has stayed the same", async () => {
  handlers = [ranged({ etag: '"v1"', cutAfter: 300_000 }), ranged({ etag: '"v1"' })];
  await download({});
  assert.ok(readFileSync(partPath).equals(content));
  assert.match(requests[1].headers.range ?? "", /^bytes=[1-9]\d*-$/);
});

test("the checksum and size come from the hub's own answer, not from the host it redirects to", async () => {
  process.env.HF_TOKEN = "hf_secret";
  handlers = [redirect({ "x-linked-etag": `"${sha256}"`, "x-linked-size": String(content.length) })];
  writeFileSync(partPath, content.subarray(0, 250_000));
  assert.deepEqual(await download({}), known);
  assert.ok(readFileSync(partPath).equals(content));
  const [toHub, toCdn] = requests;
  assert.equal(toHub.headers.authorization, "Bearer hf_secret");
  assert.equal(toCdn.headers.authorization, undefined);
  assert.equal(toCdn.headers.range, "bytes=250000-");
});

test("no token is sent if HF_TOKEN is not set", async () => {
  await download(known);
  assert.equal(requests[0].headers.authorization, undefined);
});

test("another file under the same name is refused by its size or checksum before it is downloaded", async () => {
  await assert.rejects(download({ bytes: 999 }), /expected 999 bytes, got a file of 1000000/);
  handlers = [redirect({ "x-linked-etag": `"${"0".repeat(64)}"`, "x-linked-size": String(content.length) })];
  await assert.rejects(download(known), new RegExp(`expected SHA-256 ${sha256}, got a file with 0000`));
  handlers = [(_, response) => response.write("GGUF")];
  await assert.rejects(download({}), /expected a size or a checksum, got neither/);
});

test("404, 401 and 503 are InputErrors that say what to do", async () => {
  for (const [status, advice] of [
    [404, "Check owner, repository and file name"],
    [401, "set HF_TOKEN"],
    [503, "Try again later"],
  ] as const) {
    handlers = [(_, response) => response.writeHead(status).end("no")];
    await assert.rejects(download(known), (error: Error) => {
      return (
        error instanceof InputError && error.message.includes(`got HTTP ${status}. `) && error.message.includes(advice)
      );
    });
  }
});

test("a hub that is not there, or accepts and never answers, is given up within the answer time and asked once", async () => {
  handlers = [() => {}];
  const started = performance.now();
  await assert.rejects(download(known, {}, 200), /no answer within 0\.2 s/);
  assert.ok(performance.now() - started < 2_000);
  assert.equal(requests.length, 1);

  process.env.HF_ENDPOINT = "http://127.0.0.1:1";
  await assert.rejects(download(known), /http:\/\/127\.0\.0\.1:1: (ECONNREFUSED|bad port)/);
  process.env.HF_ENDPOINT = "mirror";
  await assert.rejects(
    download(known),
    /HF_ENDPOINT: expected an address such as https:\/\/huggingface\.co, got "mirror"/,
  );
});

test("a download that stalls is taken up again after the stall time", async () => {
  handlers = [
    (_, response) => {
      response.writeHead(200, { "content-length": content.length });
      response.write(content.subarray(0, 100_000));
    },
    ranged(),
  ];
  await download(known);
  assert.ok(readFileSync(partPath).equals(content));
  assert.match(requests[1].headers.range ?? "", /^bytes=[1-9]\d*-$/);
});

test("aborting rejects with the reason and keeps what has arrived", async () => {
  const controller = new AbortController();
  handlers = [
    (_, response) => {
      response.writeHead(200, { "content-length": content.length });
      response.write(content.subarray(0, 100_000));
    },
  ];
  const onProgress = (done: number) => done === 100_000 && controller.abort(new Error("stopped by the test"));
  await assert.rejects(download(known, { signal: controller.signal, onProgress }), /stopped by the test/);
  assert.ok(readFileSync(partPath).equals(content.subarray(0, 100_000)));
});

async function download(from: Fingerprint, options: PullOptions = {}, answerMs = 2_000) {
  const part = await PartFile.open(partPath);
  const hubFile = { repository: "owner/repository", file: "sub/model.gguf" };
  try {
    const times = { answerMs, stallMs: 500, retryMs: 1 };
    return await huggingFaceSource(hubFile, times).download(part, from, options);
  } finally {
    await part.close();
  }
}

/** Serves the content as HTTP asks for, or breaks off after so many bytes. */
function ranged({ cutAfter, etag }: { cutAfter?: number; etag?: string } = {}): Handler {
  return (request, response) => {
    const start = Number(request.headers.range?.match(/^bytes=(\d+)-$/)?.[1] ?? 0);
    if (start >= content.length) return response.writeHead(416, { "content-range": `bytes */${content.length}` }).end();
    const headers: Record<string, string | number> = {
      "content-length": content.length - start,
      ...(etag && { etag }),
    };
    if (start > 0) headers["content-range"] = `bytes ${start}-${content.length - 1}/${content.length}`;
    response.writeHead(start > 0 ? 206 : 200, headers);
    if (cutAfter === undefined) return response.end(content.subarray(start));
    response.flushHeaders();
    response.write(content.subarray(start, start + cutAfter), () => setTimeout(() => response.destroy(), 100));
  };
}

function redirect(headers: Record<string, string>): Handler {
  return (_, response) => response.writeHead(302, { ...headers, location: `${cdnUrl}/blob?signature=1` }).end("moved");
}

async function listen(each: typeof server): Promise<string> {
  await new Promise<void>((done) => each.listen(0, "127.0.0.1", done));
  return `http://127.0.0.1:${(each.address() as AddressInfo).port}`;
}
