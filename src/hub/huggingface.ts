/**
 * The Hugging Face hub, or a mirror of it (HF_ENDPOINT), as a source: GET <endpoint>/<repository>/resolve/main/<file>.
 * The hub redirects to a CDN; its own answer carries X-Linked-ETag, the SHA-256 of a large file, and X-Linked-Size.
 * Ranged requests go on from what is there. HF_TOKEN is sent to the hub itself, never to the host it redirects to.
 */
import { setTimeout as delay } from "node:timers/promises";
import { InputError } from "../runtime/errors.ts";
import type { PartFile } from "./part-file.ts";
import type { Fingerprint, PullOptions, Source } from "./source.ts";

export interface HubFile {
  readonly repository: string;
  readonly file: string;
}

export interface HubTimes {
  /** Until the headers of an answer: short, because many networks drop what goes to the hub. */
  answerMs?: number;
  /** Without a single byte during a download. */
  stallMs?: number;
  /** Before a broken download goes on; times the number of failures in a row. */
  retryMs?: number;
}

const MAX_REDIRECTS = 5;
const MAX_FAILURES = 4;

/** The connection broke; what has arrived is kept and another request may go on from there. */
class ConnectionLost extends Error {}

export function huggingFaceSource({ repository, file }: HubFile, times: HubTimes = {}): Source {
  const { answerMs = 5_000, stallMs = 30_000, retryMs = 500 } = times;
  return {
    name: `Hugging Face hub (${endpoint()}/${repository})`,

    async download(part, known, options) {
      const url = `${endpoint()}/${repository}/resolve/main/${file.split("/").map(encodeURIComponent).join("/")}`;
      if (!URL.canParse(url))
        throw new InputError(
          `HF_ENDPOINT: expected an address such as https://huggingface.co, got "${endpoint()}". Correct or unset it.`,
        );
      let answer: Answer | undefined;
      for (let failures = 0; ; ) {
        const lengthBefore = part.length;
        try {
          answer = await open(url, part, known, answer, { ...options, answerMs });
          const { totalBytes, sha256 } = answer;
          await appendBody(answer, part, stallMs, options);
          return { bytes: totalBytes, sha256 };
        } catch (error) {
          options.signal?.throwIfAborted();
          if (!(error instanceof ConnectionLost)) throw error;
          failures = part.length > lengthBefore ? 1 : failures + 1;
          // A hub that never answered is given up at once: the next source may be quicker than waiting.
          if (!answer || failures >= MAX_FAILURES) throw new InputError(`${error.message}. Check the network.`);
          await delay(retryMs * failures, undefined, { signal: options.signal });
        }
      }
    },
  };
}

interface Answer {
  readonly url: string;
  readonly body: ReadableStream<Uint8Array>;
  readonly abort: AbortController;
  readonly etag: string | undefined;
  readonly totalBytes: number | undefined;
  readonly sha256: string | undefined;
}

/** Asks for what is missing, and makes `part` start over where the answer cannot continue it. */
async function open(
  url: string,
  part: PartFile,
  known: Fingerprint,
  earlier: Answer | undefined,
  options: PullOptions & { answerMs: number },
): Promise<Answer> {
  const abort = new AbortController();
  const { response, linked } = await request(url, part.length, abort, options);
  const start = response.status === 206 ? rangeOf(response).start : 0;
  const answer: Answer = {
    url,
    body: response.body ?? new ReadableStream({ start: (controller) => controller.close() }),
    abort,
    etag: linked.etag ?? response.headers.get("etag") ?? undefined,
    totalBytes: linked.bytes ?? totalOf(response),
    sha256: linked.sha256,
  };
  try {
    expectSameFile(url, answer, known);
    // Without a checksum at the end nothing would notice two halves of different files.
    const isSafeToContinue =
      known.sha256 !== undefined || answer.sha256 !== undefined || (answer.etag && answer.etag === earlier?.etag);
    if (start !== part.length || (start > 0 && !isSafeToContinue)) {
      await part.startOver();
      if (start > 0) {
        abort.abort();
        return await open(url, part, known, earlier, options);
      }
    }
  } catch (error) {
    abort.abort();
    throw error;
  }
  return answer;
}

interface Linked {
  bytes?: number;
  sha256?: string;
  etag?: string;
}

/** Follows redirects by hand, because the checksum is in the headers of the first answer, not of the last. */
async function request(
  url: string,
  start: number,
  abort: AbortController,
  { answerMs, signal }: PullOptions & { answerMs: number },
): Promise<{ response: Response; linked: Linked }> {
  const linked: Linked = {};
  let target = new URL(url);
  const hub = target.origin;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const headers = new Headers({ "accept-encoding": "identity" });
    if (start > 0) headers.set("range", `bytes=${start}-`);
    if (process.env.HF_TOKEN && target.origin === hub) headers.set("authorization", `Bearer ${process.env.HF_TOKEN}`);

    const timer = setTimeout(() => abort.abort(new Error(`no answer within ${answerMs / 1000} s`)), answerMs);
    const response = await fetch(target, { headers, redirect: "manual", signal: anySignal(abort.signal, signal) })
      .catch((cause) => {
        throw new ConnectionLost(`${target.origin}: ${reasonOf(cause)}`);
      })
      .finally(() => clearTimeout(timer));

    if (target.origin === hub) readLinked(response, linked);
    const location = response.headers.get("location");
    if (response.status >= 300 && response.status < 400 && location) {
      await response.body?.cancel();
      target = new URL(location, target);
      continue;
    }
    if (response.status === 416) {
      // Nothing from `start` on: the part is as long as the file, or longer. Zero is always a valid start.
      await response.body?.cancel();
      if (rangeOf(response).total === start) return { response: emptyRange(start), linked };
      return request(url, 0, abort, { answerMs, signal });
    }
    if (!response.ok) {
      await response.body?.cancel();
      throw refusal(url, response.status);
    }
    return { response, linked };
  }
  throw new InputError(`${url}: more than ${MAX_REDIRECTS} redirects. Check HF_ENDPOINT.`);
}

async function appendBody(answer: Answer, part: PartFile, stallMs: number, options: PullOptions): Promise<void> {
  const { body, abort, totalBytes, url } = answer;
  const stall = () => abort.abort(new Error(`no data for ${stallMs / 1000} s`));
  let timer = setTimeout(stall, stallMs);
  const chunks = body.getReader();
  try {
    for (;;) {
      const { done, value } = await chunks.read().catch((cause) => {
        throw new ConnectionLost(`${url}: broke off at byte ${part.length} (${reasonOf(cause)})`);
      });
      clearTimeout(timer);
      if (done) break;
      await part.append(value);
      options.onProgress?.(part.length, totalBytes ?? part.length, "download");
      timer = setTimeout(stall, stallMs);
    }
  } finally {
    clearTimeout(timer);
    abort.abort();
  }
  if (totalBytes !== undefined && part.length < totalBytes)
    throw new ConnectionLost(`${url}: broke off at byte ${part.length} of ${totalBytes}`);
}

/** Refuses another file before it is downloaded. */
function expectSameFile(url: string, { totalBytes, sha256 }: Answer, known: Fingerprint): void {
  if (known.bytes !== undefined && totalBytes !== undefined && totalBytes !== known.bytes)
    throw new InputError(`${url}: expected ${known.bytes} bytes, got a file of ${totalBytes}.`, {
      expected: known.bytes,
      got: totalBytes,
    });
  if (known.sha256 && sha256 && sha256 !== known.sha256)
    throw new InputError(`${url}: expected SHA-256 ${known.sha256}, got a file with ${sha256}.`, {
      expected: known.sha256,
      got: sha256,
    });
  if (totalBytes === undefined && !sha256 && !known.sha256)
    throw new InputError(`${url}: expected a size or a checksum, got neither, so that nothing could be verified.`);
}

function readLinked(response: Response, linked: Linked): void {
  const etag = response.headers.get("x-linked-etag") ?? response.headers.get("etag");
  const size = response.headers.get("x-linked-size");
  // A file that the hub keeps in git has a SHA-1 as its tag: no use here.
  const sha256 = etag?.match(/^(?:W\/)?"?([0-9a-f]{64})"?$/)?.[1];
  if (etag) linked.etag = etag;
  if (sha256) linked.sha256 = sha256;
  if (size) linked.bytes = Number(size);
}

function refusal(url: string, status: number): InputError {
  const advice =
    status === 404
      ? "Check owner, repository and file name."
      : status === 401 || status === 403
        ? "Accept the licence on the repository's page if it asks for that, and set HF_TOKEN to a token that may read it."
        : "Try again later.";
  return new InputError(`${url}: expected the file, got HTTP ${status}. ${advice}`, { got: status });
}

function totalOf(response: Response): number | undefined {
  if (response.status === 206) return rangeOf(response).total;
  const length = response.headers.get("content-length");
  return length === null ? undefined : Number(length);
}

/** `bytes 100-199/1000`, or `bytes *` with a total for status 416. */
function rangeOf(response: Response): { start: number; total: number | undefined } {
  const match = response.headers.get("content-range")?.match(/^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/);
  return { start: Number(match?.[1] ?? 0), total: match && match[2] !== "*" ? Number(match[2]) : undefined };
}

function emptyRange(length: number): Response {
  return new Response(null, { status: 206, headers: { "content-range": `bytes ${length}-${length}/${length}` } });
}

function endpoint(): string {
  return (process.env.HF_ENDPOINT || "https://huggingface.co").replace(/\/+$/, "");
}

function anySignal(own: AbortSignal, callers: AbortSignal | undefined): AbortSignal {
  return callers ? AbortSignal.any([own, callers]) : own;
}

/** fetch says only "fetch failed" and puts the reason into its cause. */
function reasonOf(error: Error): string {
  const cause = error.cause as NodeJS.ErrnoException | undefined;
  return cause?.code ?? cause?.message ?? error.message;
}
