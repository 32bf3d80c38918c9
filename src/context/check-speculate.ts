/** What guessing goes together with: part of check.ts. Nothing is refused, since a step of one token is always possible. */
import type { Remark, Subject } from "./check.ts";
import { decodeMethods } from "./decode/registry.ts";
import { speculations } from "./speculate/registry.ts";

/** What a plan has that a step of several tokens could not take back where guesses were wrong. */
function whatStaysBehind({ plan, position, dropping }: Subject): string | undefined {
  const { technique, options } = decodeMethods.chosen(plan.decode);
  if (position.zones) return `position "${position.id}", which holds keys in zones`;
  if (technique.needs?.(options)) return `decode "${technique.id}", which chooses pages step by step`;
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
