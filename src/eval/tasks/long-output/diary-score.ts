/**
 * Scores of a diary by rule, no judge: LongGenBench's completion rate and its accuracies for single, range and periodic
 * instructions, missing entries counted wrong (its STIC-2), and what can be said of any long text.
 */
import { lengthFollowing, repetition } from "../../score/repetition.ts";
import type { Score } from "../../types.ts";
import { daysOf, type Rule, ruleKinds } from "./rules.ts";

/** Entries by day; of a day that is written twice, the first. */
export function entriesOf(output: string): Map<number, string> {
  const starts = [...output.matchAll(/^[^\p{L}\p{N}\n]*Day (\d+)\b/gmu)];
  const entries = new Map<number, string>();
  for (const [i, { index, 1: day }] of starts.entries())
    if (!entries.has(Number(day))) entries.set(Number(day), output.slice(index, starts[i + 1]?.index));
  return entries;
}

/**
 * score: mean of once, range and periodic, each the share of (entry, code) pairs kept. completion: share of the entries
 * that are there. keptOfWritten: share of pairs kept among entries that are there (STIC-1). stray: share of codes written
 * where no rule asks for them. lengthFollowing, distinct3, repeated, loop: see score/repetition.ts.
 */
export function scoreDiary(output: string, rules: readonly Rule[], count: number, expectedWords: number): Score {
  const entries = entriesOf(output);
  const written = [...entries.keys()].filter((day) => day >= 1 && day <= count).length;
  const kept: Record<string, number> = {};
  let [keptPairs, writtenPairs, codes] = [0, 0, 0];
  for (const kind of ruleKinds) {
    let [pairs, keptOfKind] = [0, 0];
    for (const rule of rules.filter((other) => other.kind === kind))
      for (const day of daysOf(rule)) {
        pairs++;
        const entry = entries.get(day);
        if (entry === undefined) continue;
        writtenPairs++;
        if (entry.includes(rule.code)) keptOfKind++;
      }
    kept[kind] = keptOfKind / pairs;
    keptPairs += keptOfKind;
  }
  for (const entry of entries.values()) codes += rules.filter(({ code }) => entry.includes(code)).length;
  return {
    score: (kept.once + kept.range + kept.periodic) / ruleKinds.length,
    ...kept,
    completion: written / count,
    keptOfWritten: writtenPairs === 0 ? 0 : keptPairs / writtenPairs,
    stray: codes === 0 ? 0 : (codes - keptPairs) / codes,
    lengthFollowing: lengthFollowing(output.split(/\s+/).filter(Boolean).length, expectedWords),
    ...repetition(output),
  };
}
