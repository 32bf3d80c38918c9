/** InfiniteBench's scores (src/compute_scores.py), one a task. Labels are texts; for a choice, its text and its letter. */
import { rougeLsum } from "../score/rouge.ts";
import { characterF1, tokenF1 } from "../score/token-f1.ts";
import { bestOf } from "./file-task.ts";

type Scorer = (output: string, labels: readonly string[]) => number;

const firstNumber: Scorer = (output, [label]) => Number(/\d+/.exec(output)?.[0] === label);
const spaced = (output: string, marks: RegExp) => output.replace(marks, " ").split(/\s+/).filter(Boolean);

export const infiniteBenchScorers: Readonly<Record<string, Scorer>> = {
  passkey: firstNumber,
  number_string: firstNumber,
  kv_retrieval: (output, [label]) => Number(spaced(output, /[\n:"'.,?!{}]/g).includes(label)),
  longbook_sum_eng: (output, labels) => bestOf(labels, (label) => rougeLsum(output, label)),
  longbook_choice_eng: choice,
  longbook_qa_eng: (output, labels) => bestOf(labels, (label) => tokenF1(output, label)),
  longbook_qa_chn: (output, labels) => bestOf(labels, (label) => characterF1(output, label)),
  longdialogue_qa_eng: (output, [label]) =>
    Number(
      spaced(output, /[\n:"'.,?!{}]/g)
        .map((word) => word.toUpperCase())
        .includes(label),
    ),
  math_find: (output, [label]) => Number(Number(/\d+\.\d+|\d+/.exec(output)?.[0]) === Number(label)),
  math_calc(output, labels) {
    const numbers = output.match(/\d+/g) ?? [];
    const wrong = labels.findIndex((label, i) => Number(numbers[i]) !== Number(label));
    return (wrong === -1 ? labels.length : wrong) / labels.length;
  },
  code_run(output, [label]) {
    const last = spaced(output, /[\n.`'":]/g).at(-1) ?? "";
    return Number(/^[-+]?\d+$/.test(last) && Number(last) === Number(label));
  },
  code_debug(output, labels) {
    const letter = labels.at(-1)!;
    if (output.startsWith(`${letter}.`) || output.startsWith(`${letter}:`)) return 1;
    const text = spaced(output, /[\n`'"\-*]|[Oo]ption/g).join(" ");
    return afterPrefix(text, ["answer is:", "is:", "answer:"], labels) ?? 0;
  },
};

function choice(output: string, labels: readonly string[]): number {
  if (/^[A-D]/.test(output)) return Number(labels.includes(output[0]));
  const text = spaced(output, /[\n"'.,?!{}]/g).join(" ");
  const found = afterPrefix(text, ["answer is:", "answer:", "answer is", "option is"], labels);
  if (found !== undefined) return found;
  const letter = text.split(" ").find((word) => /^[A-D]$/.test(word));
  return Number(letter !== undefined && labels.includes(letter));
}

/** What follows the first prefix that occurs; undefined if none does. */
function afterPrefix(text: string, prefixes: readonly string[], labels: readonly string[]): number | undefined {
  const prefix = prefixes.find((candidate) => text.includes(candidate));
  if (prefix === undefined) return undefined;
  const rest = text.slice(text.indexOf(prefix) + prefix.length + 1);
  return Number(labels.some((label) => rest.startsWith(label)));
}
