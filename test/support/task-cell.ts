/** Cells for tests of tasks: one token is four characters of the prompt. */
import { createHaystack } from "../../src/eval/haystack.ts";
import { createRandom } from "../../src/eval/random.ts";
import type { Cell, Haystack, Parts, Task } from "../../src/eval/types.ts";

const words = "the old harbour of this town has many narrow lanes and stone houses where people trade wool".split(" ");

/** Sentences of 4 to 16 words, which hold nothing that a task hides. */
export const plainHaystack: Haystack = createHaystack({
  name: "plain",
  text: Array.from({ length: 400 }, (_, i) => {
    const random = createRandom("plain", i);
    const sentence = Array.from({ length: random.between(4, 16) }, () => random.pick(words)).join(" ");
    return `${sentence[0].toUpperCase()}${sentence.slice(1)}.`;
  }).join(" "),
  license: "none",
});

export function promptOf({ system = "", context, question, answerPrefix = "" }: Parts): string {
  return system + context + question + answerPrefix;
}

export function testCell(task: Task, length: number, { seed = 1, haystack = plainHaystack } = {}): Cell {
  return {
    seed,
    length,
    count: 0,
    random: (name) => createRandom(seed, task.id, length, name),
    promptTokens: (parts) => Math.ceil(promptOf(parts).length / 4),
    countTokens: (text) => Math.ceil(text.length / 4),
    haystack,
    files: new Map(),
  };
}

/** Times that a text holds another. */
export function occurrences(text: string, part: string): number {
  return text.split(part).length - 1;
}
