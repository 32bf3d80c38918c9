import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { InputError } from "../../../runtime/errors.ts";
import { createRandom } from "../../random.ts";
import type { Cell } from "../../types.ts";
import { functionIn } from "./answer.ts";
import { codeTasks } from "./index.ts";
import { readRepository } from "./repository.ts";
import { signatureNeedles } from "./search-needle-function.ts";
import { exportedSymbols } from "./symbol.ts";
import { placeOf, windowAround } from "./window.ts";

const folders: string[] = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

function repositoryWith(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), "longspan-code-"));
  folders.push(folder);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

const small = readRepository(
  repositoryWith({
    "a.ts":
      'import { second } from "./lib/b.js";\nexport * from "./lib";\nexport function first(x: number) {\n  return second(x) + 1;\n}\n',
    "lib/b.ts":
      'import type { Third } from "../c";\nexport const second = (x: Third) => x;\nexport { second as renamed };\n',
    "lib/index.ts": 'export * from "./b.js";\n',
    "c.ts":
      'import "./a.js";\nexport type Third = number;\n/** Says how a very important matter stands. */\nfunction status(): "open" | "shut" {\n  return "open";\n}\n',
    "c.test.ts": "export const tested = 1;\n",
    "types.d.ts": "export declare const declared: number;\n",
    "node_modules/other/index.ts": "export const installed = 1;\n",
  }),
);

test("files come after what they import, cycles included; tests, declarations and installed packages are left out", () => {
  assert.deepEqual(
    small.files.map(({ path }) => path),
    ["c.ts", "lib/b.ts", "lib/index.ts", "a.ts"],
  );
  for (const { path, text, firstLine } of small.files) {
    assert.equal(small.lines[firstLine - 1], `// Path: ${path}`);
    assert.equal(small.lines.slice(firstLine, firstLine + text.split("\n").length).join("\n"), text);
  }
});

test("symbols are declared in one file and passed on by none under a name", () => {
  assert.deepEqual(
    exportedSymbols(small).map(({ name, path }) => [name, path]),
    [
      ["Third", "c.ts"],
      ["second", "lib/b.ts"],
      ["first", "a.ts"],
    ],
  );
});

test("a description is the comment with the types, or the types with the steps", () => {
  assert.deepEqual(
    signatureNeedles(small).map(({ description, place }) => [description.split("\n"), place.hidden]),
    [
      [
        [
          "1. **Purpose**: Says how a very important matter stands.",
          "2. **Input**: none.",
          '3. **Output**: "open" or "shut".',
        ],
        1,
      ],
      [
        [
          "1. **Input**: one parameter: number.",
          "2. **Output**: not declared.",
          "3. **Procedure**: (1) return _(_) + 1.",
        ],
        0,
      ],
    ],
  );
});

test("a window opens with the path of its first line, leaves hidden lines out and goes round the end", () => {
  const [status] = signatureNeedles(small);
  assert.equal(windowAround(small, status.place, 0, 0.5).code, `// Path: c.ts\n${status.text}\n`);
  assert.equal(
    windowAround(small, status.place, 3, 1).code,
    `// Path: c.ts\nimport "./a.js";\nexport type Third = number;\n${status.text}\n// Path: lib/b.ts\n`,
  );
  const all = small.lines.length - 4;
  for (let units = 0; units <= all; units++) {
    const { code, start } = windowAround(small, status.place, units, 0.9);
    assert.ok(code.slice(start).startsWith(status.text));
    assert.match(code, /^\/\/ Path: /);
  }
  const { code } = windowAround(small, status.place, all, 0.9);
  for (const line of small.lines.filter((line) => !line.startsWith("/**"))) assert.ok(code.includes(line), line);
  assert.deepEqual(placeOf(small, 3, 0, small.files[3].text.length), { first: 14, last: 18 });
});

test("the first function of the first block that has one is the answer, else the first block, else all of it", () => {
  const block = (code: string) => `\`\`\`ts\n${code}\n\`\`\`\n`;
  const call = "function f(a: string): void {\n  g(a);\n}";
  assert.equal(
    functionIn(`Sure.\n${block("const x = 1;")}${block(`// that\nexport async ${call}\nf();`)}`),
    `async ${call}`,
  );
  assert.equal(functionIn(`${block("const x = 1;")}${block("let y")}`), "const x = 1;\n");
  assert.equal(functionIn(`\`\`\`\n${call}`), `\`\`\`\n${call}`);
});

test("a repository that is too short for the length, or has no TypeScript, is refused with what to do", () => {
  const cell = (folder: string): Cell => ({
    seed: 1,
    length: 4096,
    count: 1,
    random: (name) => createRandom(name),
    countTokens: (text) => text.length,
    promptTokens: ({ context, question }) => context.length + question.length,
    haystack: { name: "none", sha256: "", license: "", sentences: [], words: () => "", wordCount: 0 },
    files: new Map([["repo", folder]]),
  });
  const [, snfSignature, symbol] = codeTasks;
  for (const task of [snfSignature, symbol])
    assert.throws(
      () => task.cell(cell(small.folder))(0),
      (error) => {
        assert.ok(error instanceof InputError);
        assert.match(
          error.message,
          /^--data repo: expected a repository of at least 4096 tokens, got about \d+\. Pass /,
        );
        return true;
      },
    );
  assert.throws(() => snfSignature.cell(cell(repositoryWith({ "readme.md": "# none" }))), InputError);
});
