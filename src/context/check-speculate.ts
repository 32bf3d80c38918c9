/** What guessing goes together with: part of check.ts. Nothing is refused, since a step of one token is always possible. */
import type { Remark, Subject } from "./check.ts";
import { decodeMethods } from "./decode/registry.ts";
import { speculations } from "./speculate/registry.ts";

/** What a plan has that a step of several tokens could not take back where guesses were wrong, or what leaves it nothing to guess by. */
function whatLeavesNone({ plan, position, dropping }: Subject): string | undefined {
  if (position.zones) return `position "${position.id}", which holds keys in zones`;
  const { queries, statistics, attentionSums, secondReading } = dropping?.needs ?? {};
  if (queries || statistics || attentionSums || secondReading)
    return `score "${dropping?.score.id}", which observes every token`;
  const { technique, options } = decodeMethods.chosen(plan.decode);
  if (speculations.chosen(plan.speculate).technique.draftsItself && !technique.needs?.(options))
    return `decode "${technique.id}", by which a draft takes as long as the token itself`;
  return undefined;
}

export const speculationRemarks: readonly Remark[] = [
  (subject) => {
    const { technique } = speculations.chosen(subject.plan.speculate);
    const reason = (technique.drafter || technique.draftsItself) && whatLeavesNone(subject);
    return reason && `Speculate "${technique.id}" has no effect beside ${reason}: tokens are written one by one.`;
  },
];
