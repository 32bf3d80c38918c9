/**
 * The two RULERs whose figures are published: NVIDIA's main branch, and lm-evaluation-harness, which differs in strings,
 * examples and scores. Figures of one are never compared with figures of the other.
 */
import { readJson } from "../../data.ts";

/** context + question + answerPrefix is one prompt. In braces: what fillIn() replaces. */
export interface Template {
  readonly context: string;
  readonly question: string;
  readonly answerPrefix: string;
  /** Tokens to generate, as published. */
  readonly maxTokens: number;
}

export interface NeedleTemplate extends Template {
  readonly needle: string;
  readonly noise: string;
}

export interface ChainTemplate extends Template {
  readonly noise: string;
  /** Between lines. */
  readonly separator: string;
  readonly first: string;
  readonly next: string;
  readonly exampleAnswerPrefix: string;
  readonly exampleEnd: string;
}

export interface CommonWordsTemplate extends Template {
  readonly item: string;
}

export interface FrequentWordsTemplate extends Template {
  /** Stands for the most frequent word, which is not asked for. */
  readonly noise: string;
}

export interface DocumentsTemplate extends Template {
  readonly document: string;
}

export interface Templates {
  readonly niah: NeedleTemplate;
  readonly variable_tracking: ChainTemplate;
  readonly common_words_extraction: CommonWordsTemplate;
  readonly freq_words_extraction: FrequentWordsTemplate;
  readonly qa: DocumentsTemplate;
}

export interface Profile {
  readonly family: string;
  /** Before the task's name. */
  readonly idPrefix: string;
  readonly templates: Templates;
  readonly source: string;
  readonly license: string;
  /** Whether the tokens to generate grow with answers that need more; otherwise they are the published number always. */
  readonly raisesMaxTokens: boolean;
  /** Solved examples before a list of words. */
  readonly commonWordsShots: 0 | 1;
  /** Whether the tokens to generate are part of the length of a coded text. Without, prompt and answer pass the length. */
  readonly frequentWordsCountAnswer: boolean;
  /** Whether one reference of a question is enough, or the score is the share of the references found. */
  readonly questionsNeedOne: boolean;
}

interface ProfileData {
  readonly source: string;
  readonly license: string;
  readonly templates: Templates;
}

interface Overrides extends Omit<ProfileData, "templates"> {
  readonly templates: { readonly [name in keyof Templates]?: Partial<Templates[name]> };
}

export function readProfiles(): Profile[] {
  const data = readJson<{ ruler: ProfileData; "ruler-lmeval": Overrides }>("ruler.json");
  const { ruler, "ruler-lmeval": harness } = data;
  return [
    {
      ...ruler,
      family: "ruler",
      idPrefix: "",
      raisesMaxTokens: true,
      commonWordsShots: 1,
      frequentWordsCountAnswer: true,
      questionsNeedOne: true,
    },
    {
      family: "ruler-lmeval",
      idPrefix: "lmeval_",
      source: harness.source,
      license: harness.license,
      templates: {
        ...ruler.templates,
        variable_tracking: { ...ruler.templates.variable_tracking, ...harness.templates.variable_tracking },
        common_words_extraction: {
          ...ruler.templates.common_words_extraction,
          ...harness.templates.common_words_extraction,
        },
      },
      raisesMaxTokens: false,
      commonWordsShots: 0,
      frequentWordsCountAnswer: false,
      questionsNeedOne: false,
    },
  ];
}

/** Replaces every {name} by its value. Braces in values stay as they are. */
export function fillIn(template: string, values: Readonly<Record<string, string | number>>): string {
  return template.replace(/\{(\w+)\}/g, (_, name) => {
    if (!(name in values)) throw new Error(`ruler.json: expected a value for {${name}}`);
    return String(values[name]);
  });
}

/** What all tasks of a profile say of themselves. */
export function describeTask(id: string, summary: string, { idPrefix, family, source, license }: Profile) {
  return { id: idPrefix + id, family, version: 1, summary, source, license };
}
