/** What guessing goes together with: part of check.ts. Nothing is refused, since a step of one token is always possible. */
import type { Remark, Subject } from "./check.ts";
import { speculations } from "./speculate/registry.ts";

/** What a plan has that a step of several tokens could not take back where guesses were wrong. */
function whatStaysBehind({ position, dropping }: Subject): string | undefined {
  if (position.zones) return `position "${position.id}", which holds keys in zones`;
  const { queries, statistics, attentionSums, secondReading } = dropping?.needs ?? {};
  if (queries || statistics || attentionSums || secondReading)
    return `score "${dropping?.score.id}", which observes every token`;
  return undefined;
}

export const speculationRemarks: readonly Remark[] = [
  (subject) => {
    const { technique } = speculations.chosen(subject.plan.speculate);
    const reason = technique.drafter && whatStaysBehind(subject);
    return reason && `Speculate "${technique.id}" has no effect beside ${reason}: tokens are written one by one.`;
  },
];
