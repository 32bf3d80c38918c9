/**
 * Rules of the diary: a code that must stand in one entry, in each of a range, or in every n-th. As a reference a rule is
 * one line, "periodic 5 33 7 K4711" for days 5, 12, 19, 26 and 33, so that a logged sample can be scored again.
 */
import type { Random } from "../../types.ts";
import { fillIn, words } from "./words.ts";

export const ruleKinds = ["once", "range", "periodic"] as const;
export type RuleKind = (typeof ruleKinds)[number];

export interface Rule {
  readonly kind: RuleKind;
  readonly code: string;
  /** Days from 1 on: first, first + step, … up to last. */
  readonly first: number;
  readonly last: number;
  readonly step: number;
}

/** Longer diaries have more rules: one of a kind for so many days begun. */
const daysPerRule: Readonly<Record<RuleKind, number>> = { once: 10, range: 40, periodic: 60 };

export function drawRules(count: number, random: Random): Rule[] {
  const codes = new Set<string>();
  const drawCode = () => {
    const { size } = codes;
    let code = "";
    while (codes.size === size) {
      code = random.pick([...words.numbered.codeLetters]) + random.between(1000, 9999);
      codes.add(code);
    }
    return code;
  };
  return ruleKinds.flatMap((kind) =>
    Array.from({ length: Math.ceil(count / daysPerRule[kind]) }, () => ({
      kind,
      code: drawCode(),
      ...drawDays(kind, count, random),
    })),
  );
}

function drawDays(kind: RuleKind, count: number, random: Random): Pick<Rule, "first" | "last" | "step"> {
  if (kind === "periodic") {
    const step = random.between(4, 9);
    const first = random.between(1, Math.min(step, count));
    return { first, last: first + step * Math.floor((count - first) / step), step };
  }
  const length = kind === "once" ? 1 : Math.min(count, random.between(3, 6));
  const first = random.between(1, count - length + 1);
  return { first, last: first + length - 1, step: 1 };
}

export function daysOf({ first, last, step }: Rule): number[] {
  return Array.from({ length: (last - first) / step + 1 }, (_, i) => first + i * step);
}

/** The rule in words, for the prompt. */
export function sayRule({ kind, ...values }: Rule): string {
  return fillIn(words.numbered[kind], values);
}

export function formatRule({ kind, first, last, step, code }: Rule): string {
  return [kind, first, last, step, code].join(" ");
}

export function parseRule(text: string): Rule {
  const [kind, first, last, step, code] = text.split(" ");
  return { kind: kind as RuleKind, code, first: Number(first), last: Number(last), step: Number(step) };
}
