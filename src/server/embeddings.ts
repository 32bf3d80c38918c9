/** POST /v1/embeddings: a text as the mean of its tokens' hidden states after the last norm, with a length of 1. */
import type { Hono } from "hono";
import { z } from "zod";
import { defaultPlan } from "../context/plan.ts";
import type { Session } from "../engine/types.ts";
import { bodyOf, parseBody } from "./chat-request.ts";
import { RequestError } from "./errors.ts";
import type { Service } from "./service.ts";

const tokenIds = z.array(z.number().int().min(0)).min(1);
const MOST_INPUTS = 2048;

export const embeddingsSchema = z.looseObject({
  model: z.string().optional(),
  input: z
    .union([
      z.string(),
      tokenIds,
      z.array(z.string()).min(1).max(MOST_INPUTS),
      z.array(tokenIds).min(1).max(MOST_INPUTS),
    ])
    .describe("One text or several, as text or as token ids."),
  encoding_format: z
    .enum(["float", "base64"])
    .nullish()
    .describe("Numbers (the default), or little-endian f32 in base64."),
  dimensions: z
    .number()
    .int()
    .min(1)
    .nullish()
    .describe("Only the first so many numbers, brought to a length of 1 again. Models are not trained for it."),
});

export function addEmbeddingRoutes(app: Hono, service: Service): void {
  const { engine, name, metrics, admission } = service;
  const { tokenizer, model } = engine;
  const contextLength = service.contextLength();
  // Each text is read in full and by itself, whatever the server's plan keeps of a prompt.
  const plan = { ...defaultPlan, position: service.plan.position };

  app.post("/v1/embeddings", async (context) => {
    const request = parseBody(embeddingsSchema, await bodyOf(context));
    service.expectModel(request.model);
    const { dimensions, encoding_format: format } = request;
    if (dimensions != null && dimensions > model.hiddenSize)
      throw new RequestError(
        400,
        `dimensions: expected at most ${model.hiddenSize}, got ${dimensions}. Ask for less.`,
        {
          param: "dimensions",
        },
      );
    const inputs = inputsOf(request.input).map((input) =>
      typeof input === "string" ? tokenizer.encode(input) : Int32Array.from(input),
    );
    for (const [i, { length }] of inputs.entries()) expectLength(i, length, contextLength);
    const tokens = inputs.reduce((sum, { length }) => sum + length, 0);

    const abort = admission.enter(context);
    metrics.running++;
    try {
      const embeddings: Float32Array[] = [];
      for (const ids of inputs) {
        const session = await engine.session({ plan });
        try {
          embeddings.push(await embed(session, ids, { hiddenSize: model.hiddenSize, signal: abort.signal }));
        } finally {
          await session.dispose();
        }
        metrics.embeddedTokens += ids.length;
      }
      return context.json({
        object: "list",
        model: name,
        data: embeddings.map((whole, index) => {
          const embedding = dimensions == null ? whole : normalised(whole.subarray(0, dimensions));
          return { object: "embedding", index, embedding: format === "base64" ? base64(embedding) : [...embedding] };
        }),
        usage: { prompt_tokens: tokens, total_tokens: tokens },
      });
    } finally {
      metrics.running--;
      admission.leave(abort);
    }
  });
}

export interface EmbedOptions {
  readonly hiddenSize: number;
  readonly signal?: AbortSignal;
}

/** Reads a text in an empty session. [hiddenSize], of length 1; summed up in f64 token by token, so that chunks do not show. */
export async function embed(
  session: Session,
  ids: Int32Array,
  { hiddenSize, signal }: EmbedOptions,
): Promise<Float32Array> {
  const sum = new Float64Array(hiddenSize);
  await session.prefill(ids, {
    signal,
    onHidden: (hidden) => {
      for (let i = 0; i < hidden.length; i++) sum[i % hiddenSize] += hidden[i];
    },
  });
  return normalised(sum);
}

function inputsOf(input: z.infer<typeof embeddingsSchema>["input"]): readonly (string | readonly number[])[] {
  if (typeof input === "string") return [input];
  return isTokenIds(input) ? [input] : input;
}

function isTokenIds(input: readonly unknown[]): input is number[] {
  return typeof input[0] === "number";
}

function expectLength(index: number, tokens: number, contextLength: number): void {
  if (tokens === 0)
    throw new RequestError(400, `input ${index}: expected some text, got none. Leave it out.`, { param: "input" });
  if (tokens > contextLength)
    throw new RequestError(
      400,
      `This model's maximum context length is ${contextLength} tokens. However, input ${index} has ${tokens} tokens. Please cut it into shorter texts.`,
      { code: "context_length_exceeded", param: "input" },
    );
}

function normalised(values: Float32Array | Float64Array): Float32Array {
  let squares = 0;
  for (const value of values) squares += value * value;
  const length = Math.sqrt(squares) || 1;
  return Float32Array.from(values, (value) => value / length);
}

/** Little-endian f32, as OpenAI's client reads it. */
function base64(values: Float32Array): string {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [i, value] of values.entries()) bytes.writeFloatLE(value, i * 4);
  return bytes.toString("base64");
}
