import assert from "node:assert/strict";
import { test } from "node:test";
import type { Row } from "../../types.ts";
import { selfRoute } from "./self-route.ts";

const row = (task: string, index: number, output: string, score: number, promptTokens: number): Row => ({
  key: `${task}/${index}`,
  task,
  family: "rag",
  mode: "chat",
  length: 4096,
  index,
  group: `${index}`,
  promptHash: "",
  promptTokens,
  fill: 1,
  maxTokens: 32,
  question: "",
  evidence: [],
  references: [],
  output,
  score,
  scores: {},
  finish: "stop",
  usage: { promptTokens, cachedTokens: 0, outputTokens: 4, seconds: 1 },
  attempts: 1,
});

const rows = [
  row("rag_bm25_5", 0, " parrots", 1, 1000),
  row("rag_long", 0, " finches", 0, 4000),
  row("rag_bm25_5", 1, " Unanswerable.", 0, 1000),
  row("rag_long", 1, " butter", 1, 4000),
  row("rag_bm25_5", 2, " coal", 0, 1000),
  row("rag_long", 2, " walnuts", 1, 4000),
  row("rag_bm25_5", 3, " It cannot be answered from the text.", 1, 1000),
  row("rag_long", 3, " walnuts", 0, 4000),
  row("rag_long", 4, " lilac", 1, 4000),
  row("rag_oracle", 0, " parrots", 1, 300),
];

test("only refused questions go on to the whole text, and cost both prompts", () => {
  assert.deepEqual(selfRoute(rows), [
    {
      length: 4096,
      mode: "chat",
      samples: 4,
      accuracy: 0.5,
      ragAccuracy: 0.5,
      longAccuracy: 0.5,
      answeredByRag: 0.5,
      promptTokens: 3000,
      longPromptTokens: 4000,
    },
  ]);
});

test("lengths and modes are never mixed, and without both arms there is nothing to say", () => {
  const longer = rows.map((each) => ({ ...each, length: 8192 }));
  const raw = rows.map((each) => ({ ...each, mode: "raw" as const }));
  const groups = selfRoute([...rows, ...longer, ...raw]);
  assert.deepEqual(
    groups.map(({ mode, length, samples }) => [mode, length, samples]),
    [
      ["chat", 4096, 4],
      ["chat", 8192, 4],
      ["raw", 4096, 4],
    ],
  );
  assert.deepEqual(selfRoute(rows.filter(({ task }) => task !== "rag_long")), []);
});
