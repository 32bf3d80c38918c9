/** `longspan eval sparse` as a process, on a tiny model: a table as plans are done, files, one JSON object, and what is refused. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { runCli } from "../support/cli.ts";
import { temporaryFolder, writeModel } from "../support/sessions.ts";
import { tinyModel } from "../support/tiny-model.ts";

const folder = temporaryFolder();
const model = ["-m", writeModel(tinyModel("qwen2", { contextLength: 1024 }))];
const text = join(folder, "text.txt");
writeFileSync(text, Array.from({ length: 1200 }, (_, i) => `${i} men`).join(" "));
const plans = [
  { prefill: { method: "block-sparse", mass: 0.5, denseBelow: 0 } },
  { prefill: { method: "sink-window", window: 128, denseBelow: 0 } },
];
const sparse = (...args: string[]) =>
  runCli(["eval", "sparse", ...model, "--haystack", text, "--plans", JSON.stringify(plans), ...args]);

test("eval sparse prints a line for each plan, writes --out and --svg, and gives the same figures with --json", async () => {
  const [out, svg] = ["sparse.json", "sparse.svg"].map((name) => join(folder, name));
  const args = ["--lengths", "700", "--last", "128"];
  const { code, stdout, stderr } = await sparse(...args, "--out", out, "--svg", svg);
  assert.equal(code, 0, stderr);
  const [heading, header, ...lines] = stdout.split("\n");
  assert.match(heading, /^700 tokens, predictions of the last 124 compared/);
  assert.match(header, /^plan .* KL .* density .* recall .* faster$/);
  assert.match(lines[0], /^block-sparse mass=0\.5 denseBelow=0 /);
  assert.match(lines[1], /^sink-window window=128 denseBelow=0 /);
  assert.match(stdout, /on a busy\s+machine they say little/);
  assert.match(stderr, /reading +[\d,]+ tokens/);
  assert.match(readFileSync(svg, "utf8"), /^<svg .*<\/svg>\n$/s);

  const { stdout: json } = await sparse(...args, "--json");
  const figuresOf = (result: string) => {
    const { rows, ...about } = JSON.parse(result);
    return { ...about, rows: rows.map(({ seconds: _, fullSeconds: __, ...row }: Record<string, unknown>) => row) };
  };
  assert.deepEqual(figuresOf(json), figuresOf(readFileSync(out, "utf8")));
  const { rows, haystack } = JSON.parse(json);
  assert.equal(haystack, text);
  for (const { kl, density, recall, heads } of rows) {
    assert.ok(kl > 0 && density < 1 && recall.share <= 1);
    assert.equal(heads.length, 8);
  }
});

test("Ctrl-C ends it with exit code 130 and keeps the plans that are done", async () => {
  const out = join(folder, "interrupted.json");
  let timer: ReturnType<typeof setInterval> | undefined;
  const { code } = await runCli(
    [
      ...["eval", "sparse", ...model, "--haystack", text, "--lengths", "960", "--last", "64", "--out", out],
      ...["--plans", JSON.stringify(Array.from({ length: 200 }, () => plans[0]))],
    ],
    {
      onStderr: (_, child) => {
        timer ??= setInterval(() => {
          if (existsSync(out)) child.kill("SIGINT");
        }, 5);
      },
    },
  );
  clearInterval(timer);
  assert.equal(code, 130);
  const { rows } = JSON.parse(readFileSync(out, "utf8"));
  assert.ok(rows.length >= 1 && rows.length < 200, `${rows.length} plans`);
});

const refused: [title: string, args: string[], code: number, message: RegExp][] = [
  ["a length beyond the context", ["--lengths", "2k"], 3, /2,048 tokens, the model's context is 1,024\. Give smaller/],
  ["a length that is all compared", ["--last", "700"], 2, /more than the last 700 tokens.*got 700/],
  ["plans that are no JSON", ["--plans", "flex"], 2, /--plans: expected a JSON array of plans, got flex/],
  ["an unknown method", ["--plans", '[{"prefill":"flux"}]'], 2, /plan: prefill: expected one of full, .*got "flux"/],
  ["a plan that drops", ["--plans", '[{"cache":{"score":"snapkv","budget":256}}]'], 2, /plans that drop nothing/],
  ["fewer than a page compared", ["--last", "8"], 2, /--last: expected a whole number of at least 64/],
];
for (const [title, args, expected, message] of refused)
  test(`${title}: exit code ${expected}, one message on stderr before weights are read`, async () => {
    const { code, stdout, stderr } = await sparse("--lengths", "700", "--last", "128", ...args);
    assert.match(stderr, message);
    assert.doesNotMatch(stderr, /loading weights/);
    assert.deepEqual({ code, stdout }, { code: expected, stdout: "" });
  });
