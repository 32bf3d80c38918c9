import assert from "node:assert/strict";
import { test } from "node:test";
import { runInNewContext } from "node:vm";
import { createRandom } from "../../random.ts";
import type { Cell, Draft, Task } from "../../types.ts";
import { codeTasks } from "./index.ts";
import { pathLine, readRepository, zodFolder } from "./repository.ts";
import { describedNeedles, signatureNeedles } from "./search-needle-function.ts";
import { exportedSymbols } from "./symbol.ts";

const [snf, snfSignature, symbol, chain] = codeTasks;
/** Every depth with every chain length. */
const indices = Array.from({ length: 21 }, (_, i) => i);

function cellOf(task: Task, length: number): Cell {
  const countTokens = (text: string) => Math.ceil(text.length / 4);
  return {
    seed: 7,
    length,
    count: indices.length,
    random: (name) => createRandom(7, task.id, length, name),
    countTokens,
    promptTokens: ({ context, question, answerPrefix = "" }) => countTokens(context + question + answerPrefix),
    haystack: { name: "none", sha256: "", license: "", sentences: [], words: () => "", wordCount: 0 },
    files: new Map(),
  };
}

const made = new Map<string, Draft[]>();
function samplesOf(task: Task, length: number): Draft[] {
  const key = `${task.id}/${length}`;
  const drafts = made.get(key) ?? indices.map(task.cell(cellOf(task, length)));
  made.set(key, drafts);
  return drafts;
}

function fillOf(task: Task, length: number, draft: Draft): number {
  return (cellOf(task, length).promptTokens(draft.parts) + draft.maxTokens) / length;
}

function textOf({ parts, needles }: Draft, i = 0): string {
  return parts.context.slice(needles![i].start, needles![i].end);
}

test("all twelve described functions are in the installed zod, and no description names its function", () => {
  const needles = describedNeedles(readRepository(zodFolder()));
  assert.equal(needles.length, 12);
  for (const { text, description } of needles) assert.ok(!description.includes(nameOf(text)), nameOf(text));
});

test("over 200 functions of zod have an automatic description of their own, which does not name them", () => {
  const needles = signatureNeedles(readRepository(zodFolder()));
  assert.ok(needles.length > 200, String(needles.length));
  assert.equal(new Set(needles.map(({ description }) => description)).size, needles.length);
  for (const { text, description } of needles) {
    // What stands in quotes is a literal: some functions are about their own name. One is called `own`.
    const words = description.replace(/"[^"]*"|`[^`]*`|'[^']*'|\{@link [^}]*\}|own type/g, "").match(/[$\w]+/g)!;
    assert.ok(!words.includes(nameOf(text)), `${nameOf(text)}: ${description}`);
  }
});

test("the described function stands in the context once, at its span, and within one line of its depth", () => {
  for (const task of [snf, snfSignature])
    for (const length of [2048, 8192])
      for (const draft of samplesOf(task, length)) {
        const [target] = draft.references;
        const { context } = draft.parts;
        assert.equal(textOf(draft), target);
        assert.equal(context.split(target).length, 2);
        const code = context.slice(context.indexOf(pathLine("")));
        const before = draft.needles![0].start - (context.length - code.length);
        const around = code.length - target.length;
        const longest = Math.max(...code.split("\n").map((line) => line.length + 1));
        // A path line may come on top of the lines before.
        assert.ok(Math.abs(before / around - draft.depth!) <= (longest + 80) / around, `${before / around}`);
      }
});

test("a comment that serves as description is not in the context", () => {
  const repository = readRepository(zodFolder());
  const quoted = signatureNeedles(repository).filter(({ place }) => place.hidden);
  assert.ok(quoted.length > 10);
  for (const { place } of quoted) {
    const [first] = repository.lines.slice(place.first - place.hidden!);
    assert.match(first, /^\s*\/\*\*/);
    assert.doesNotMatch(repository.lines[place.first - place.hidden! - 1], /^\s*\*/);
  }
});

test("repeating the function scores 1, with or without fence and export; any other function of the context scores 0", () => {
  for (const task of [snf, snfSignature])
    for (const draft of samplesOf(task, 2048).slice(0, 7)) {
      const [target] = draft.references;
      assert.equal(task.score(target, draft).score, 1);
      assert.equal(task.score(`Here it is:\n\`\`\`ts\nexport ${target}\n\`\`\`\nDone.`, draft).score, 1);
      assert.equal(task.score("I do not know.", draft).score, 0);
      for (const [other] of draft.parts.context.matchAll(/^(?:export )?function [\s\S]*?\n}$/gm))
        if (!other.endsWith(target)) assert.equal(task.score(`\`\`\`\n${other}\n\`\`\``, draft).score, 0);
    }
});

test("exactly one file of the context exports the symbol, by search of its text, and it is the reference", () => {
  for (const draft of samplesOf(symbol, 8192)) {
    const name = String(draft.facts!.name).replaceAll("$", "\\$");
    const isDeclaration = new RegExp(
      `^export (declare )?(abstract )?(async )?(const|let|function|class|interface|type|enum|namespace)\\*? ${name}(?![$\\w])`,
      "m",
    );
    const files = draft.parts.context.split(/^(?=\/\/ Path: )/m).filter((file) => isDeclaration.test(file));
    assert.deepEqual([...new Set(files.map((file) => file.split("\n")[0]))], [pathLine(draft.references[0])]);
    assert.equal(textOf(draft), pathLine(draft.references[0]));
    assert.match(textOf(draft, 1), isDeclaration);
  }
});

test("the path scores 1, plain, quoted or in a sentence; the path of another file scores 0", () => {
  const { files } = readRepository(zodFolder());
  for (const draft of samplesOf(symbol, 2048)) {
    const [path] = draft.references;
    for (const answer of [` ${path}\n`, `\`./${path}\``, `It is in "${path}".`])
      assert.equal(symbol.score(answer, draft).score, 1);
    for (const other of files) if (other.path !== path) assert.equal(symbol.score(other.path, draft).score, 0);
    assert.equal(symbol.score("I do not know", draft).score, 0);
  }
  assert.ok(exportedSymbols(readRepository(zodFolder())).length > 500);
});

test("running the functions of the context gives the reference, through as many calls as the sample says", () => {
  for (const length of [1024, 4096])
    for (const draft of samplesOf(chain, length)) {
      const code = draft.parts.context.slice(draft.parts.context.indexOf("function ")).replaceAll(": number", "");
      const call = draft.parts.question.match(/func_\d+\(\d+\)/)![0];
      assert.equal(String(runInNewContext(`${code}\n${call}`)), draft.references[0]);
      const bodies = new Map(
        [...code.matchAll(/function (\w+)\(x\) { return (\w+)/g)].map(([, name, body]) => [name, body]),
      );
      let hops = 0;
      for (let name = call.replace(/\(.*/, ""); name !== "x"; name = bodies.get(name)!)
        assert.ok(textOf(draft, hops++).startsWith(`function ${name}(`));
      assert.equal(hops, draft.facts!.hops);
      assert.equal(hops, draft.needles!.length);
    }
});

test("the number scores 1, alone or after the call; another number scores 0", () => {
  for (const draft of samplesOf(chain, 1024)) {
    const gold = Number(draft.references[0]);
    assert.equal(chain.score(` ${gold}.`, draft).score, 1);
    assert.equal(chain.score(`func_12(${gold + 1}) returns ${gold}`, draft).score, 1);
    for (const other of [gold + 1, -gold - 1, gold * 10 + 1]) assert.equal(chain.score(String(other), draft).score, 0);
  }
});

test("prompt and answer fill 0.98 to 1 of 8,192 tokens and 0.9 to 1 of 2,048: single lines of zod have 200", () => {
  for (const task of codeTasks) {
    for (const draft of samplesOf(task, 8192).map((draft) => fillOf(task, 8192, draft)))
      assert.ok(draft >= 0.98 && draft <= 1, `${task.id}: ${draft}`);
    for (const draft of samplesOf(task, 2048).map((draft) => fillOf(task, 2048, draft)))
      assert.ok(draft > 0.9 && draft <= 1, `${task.id}: ${draft}`);
  }
});

test("a sample is the same whatever was made before it, and depths cycle through seven", () => {
  for (const task of codeTasks) {
    const drafts = samplesOf(task, 2048);
    assert.deepEqual(task.cell(cellOf(task, 2048))(11), drafts[11]);
    assert.equal(new Set(drafts.map(({ depth }) => depth)).size, 7);
    assert.equal(drafts[3].depth, 0.5);
  }
});

function nameOf(text: string): string {
  return text.match(/function\*? ([$\w]+)/)![1];
}
