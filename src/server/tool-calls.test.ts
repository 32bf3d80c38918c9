import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { AnswerPiece } from "./completion.ts";
import { ToolCallReader } from "./tool-calls.ts";

interface Read {
  text: string;
  calls: { name: string; arguments: string }[];
  complete: number;
}

const options = { names: ["get_weather", "say"], isOne: false };

function read(pieces: readonly string[], isOne = false): Read {
  const reader = new ToolCallReader({ ...options, isOne });
  const result: Read = { text: "", calls: [], complete: 0 };
  const take = (piece: AnswerPiece) => {
    if (piece.type === "text") result.text += piece.text;
    if (piece.type === "call") assert.equal(result.calls.push({ name: piece.name, arguments: "" }), piece.call + 1);
    if (piece.type === "arguments") result.calls[piece.call].arguments += piece.text;
  };
  for (const piece of pieces) reader.push(piece).forEach(take);
  reader.end().forEach(take);
  return { ...result, complete: reader.complete };
}

const weather = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris"}}\n</tool_call>';
const tricky = '{"text": "</tool_call> \\"}] {<tool_call>", "list": [{"a": {}}]}';
const other = `<tool_call>\n{"name": "say", "arguments": ${tricky}}\n</tool_call>`;

const cases: [answer: string, expected: Read][] = [
  ["Just text. ", { text: "Just text. ", calls: [], complete: 0 }],
  [weather, { text: "", calls: [{ name: "get_weather", arguments: '{"city": "Paris"}' }], complete: 1 }],
  [
    `Let me see.\n\n${weather}\n${other}\n`,
    {
      text: "Let me see.",
      calls: [
        { name: "get_weather", arguments: '{"city": "Paris"}' },
        { name: "say", arguments: tricky },
      ],
      complete: 2,
    },
  ],
  [
    `<tool_call>{"arguments":{"a":1},"name":"f"}</tool_call>\n Done.`,
    { text: "Done.", calls: [{ name: "f", arguments: '{"a":1}' }], complete: 1 },
  ],
  [
    '```json\n{\n  "name": "get_weather",\n  "arguments": {\n    "city": "Paris"\n  }\n}\n```\n',
    { text: "", calls: [{ name: "get_weather", arguments: '{\n    "city": "Paris"\n  }' }], complete: 1 },
  ],
  [
    '{"name": "say", "arguments": {}}\n{"name": "get_weather", "arguments": {"a": 1}} Well.',
    {
      text: "Well.",
      calls: [
        { name: "say", arguments: "{}" },
        { name: "get_weather", arguments: '{"a": 1}' },
      ],
      complete: 2,
    },
  ],
  ['{"name": "other", "arguments": {}}', { text: '{"name": "other", "arguments": {}}', calls: [], complete: 0 }],
  ['```json\n{"name": "say"}\n```', { text: '```json\n{"name": "say"}\n```', calls: [], complete: 0 }],
  ["``", { text: "``", calls: [], complete: 0 }],
  ["a < b, <tool> and <tool_cal", { text: "a < b, <tool> and <tool_cal", calls: [], complete: 0 }],
  ["<tool_call>\nno call\n</tool_call>!", { text: "<tool_call>\nno call\n</tool_call>!", calls: [], complete: 0 }],
  ['<tool_call>\n{"name": "f", "arg', { text: '<tool_call>\n{"name": "f", "arg', calls: [], complete: 0 }],
  [
    '<tool_call>\n{"name": "f", "arguments": {"a": "b',
    { text: "", calls: [{ name: "f", arguments: '{"a": "b' }], complete: 0 },
  ],
];

test("calls and text are read out of an answer however it is cut into pieces", () => {
  for (const [answer, expected] of cases) {
    assert.deepEqual(read([answer]), expected, answer);
    assert.deepEqual(read([...answer]), expected, answer);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: answer.length })), (cuts) => {
        const ends = [...new Set([...cuts, answer.length])].sort((a, b) => a - b);
        const pieces = ends.map((end, i) => answer.slice(ends[i - 1] ?? 0, end));
        assert.deepEqual(read(pieces), expected);
      }),
      { numRuns: 50, seed: 1 },
    );
  }
});

test("arguments come as they are written, and text as soon as it cannot belong to a call", () => {
  const reader = new ToolCallReader(options);
  const texts = (text: string) => reader.push(text).map((piece) => ("text" in piece ? piece.text : piece.name));
  assert.deepEqual(texts("Hello"), ["Hello"]);
  assert.deepEqual(texts(" <"), []);
  assert.deepEqual(texts("b>"), [" <b>"]);
  assert.deepEqual(texts('<tool_call>{"name": "f", "arguments": {"a'), ["f", '{"a']);
  assert.deepEqual(texts('": 1'), ['": 1']);
  assert.deepEqual(texts("}}</tool_call>"), ["}"]);
});

test("where one call is asked for, a second one without marks is text", () => {
  const answer = '{"name": "say", "arguments": {}}\n{"name": "say", "arguments": {}}';
  const calls = [{ name: "say", arguments: "{}" }];
  assert.deepEqual(read([...answer], true), { text: '{"name": "say", "arguments": {}}', calls, complete: 1 });
});

test("text without calls stays as it is (fast-check)", () => {
  const unit = fc.constantFrom("<", "tool_call", "<tool_call", ">", " ", "\n", "x", "{", '"');
  fc.assert(
    fc.property(fc.array(unit), (pieces) => {
      const text = pieces.join("");
      fc.pre(!text.includes("<tool_call>"));
      assert.deepEqual(read(pieces), { text, calls: [], complete: 0 });
    }),
    { numRuns: 300, seed: 1 },
  );
});
