/**
 * RULER (Hsieh et al. 2024, arXiv 2404.06654): thirteen tasks that are all answered by strings.
 *
 * Profile `ruler` makes the prompts of NVIDIA's main branch and scores them alike; only a prompt's length is ours: full
 * to less than one unit of haystack, where the official search may stop 500 words short. Profile `ruler-lmeval`
 * (ids with lmeval_) has the strings, examples and scores of lm-evaluation-harness; its lengths are ours as well, save
 * that coded texts do not count the answer, so that prompt and answer together pass the length by 50 tokens.
 */
import type { Task } from "../../types.ts";
import { commonWordsTask } from "./common-words.ts";
import { frequentWordsTask } from "./frequent-words.ts";
import { type NiahOptions, niahTask } from "./niah.ts";
import { type Profile, readProfiles } from "./profiles.ts";
import { questionsTask } from "./qa.ts";
import { variableTrackingTask } from "./variable-tracking.ts";

const inNoise: NiahOptions = {
  haystack: "noise",
  keyKind: "words",
  valueKind: "numbers",
  keys: 1,
  valuesPerKey: 1,
  queries: 1,
};
const inEssay: NiahOptions = { ...inNoise, haystack: "essay" };
const amongNeedles: NiahOptions = { ...inNoise, haystack: "needle" };

/** scripts/synthetic.yaml; there the number of keys is raised to the number of queries by the script. */
export const niahVariants: Readonly<Record<string, NiahOptions & { readonly summary: string }>> = {
  niah_single_1: { ...inNoise, summary: "one number in a repeated noise" },
  niah_single_2: { ...inEssay, summary: "one number in an essay" },
  niah_single_3: { ...inEssay, valueKind: "uuids", summary: "one UUID in an essay" },
  niah_multikey_1: { ...inEssay, keys: 4, summary: "one of four numbers in an essay" },
  niah_multikey_2: { ...amongNeedles, summary: "one number among nothing but others" },
  niah_multikey_3: {
    ...amongNeedles,
    keyKind: "uuids",
    valueKind: "uuids",
    summary: "one UUID by its UUID among nothing but others",
  },
  niah_multivalue: { ...inEssay, valuesPerKey: 4, summary: "all four numbers of one key in an essay" },
  niah_multiquery: { ...inEssay, keys: 4, queries: 4, summary: "the numbers of four keys in an essay" },
};

function tasksOf(profile: Profile): Task[] {
  return [
    ...Object.entries(niahVariants).map(([id, { summary, ...options }]) => niahTask(id, summary, options, profile)),
    variableTrackingTask("vt", "all variables that a value was handed on to, over four hops", profile),
    commonWordsTask("cwe", "the ten most common words of a numbered list", profile),
    frequentWordsTask("fwe", "the three most frequent words of a coded text", profile),
    questionsTask("qa_1", "SQuAD questions, one paragraph among others", "squad", profile),
    questionsTask("qa_2", "HotpotQA questions, two paragraphs among others", "hotpotqa", profile),
  ];
}

export const rulerTasks: Task[] = readProfiles().flatMap(tasksOf);
