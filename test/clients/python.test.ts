/** OpenAI's Python package, where there is one: LONGSPAN_PYTHON names another python3 than that of the path. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { after, test } from "node:test";
import { tinyServer } from "./tiny-server.ts";

const python = process.env.LONGSPAN_PYTHON ?? "python3";
const hasOpenai = spawnSync(python, ["-c", "import openai"]).status === 0;
const skip = hasOpenai ? false : `${python} has no openai package (pip install openai)`;
const tiny = hasOpenai ? await tinyServer() : undefined;
after(() => tiny?.close());

test("openai_client.py says ok: models, chat whole and streamed, embeddings, errors", { skip }, async () => {
  const child = spawn(python, ["test/clients/openai_client.py", `${tiny?.url}/v1`, "tiny"]);
  const [out, error, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  assert.deepEqual([code, out], [0, "ok\n"], error);
});
