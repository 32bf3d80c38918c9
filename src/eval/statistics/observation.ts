/** Measured values, and which of them belong together. */

export interface Observation {
  readonly value: number;
  /** Values of one group share a context and are not independent: groups are what is resampled. */
  readonly group: string;
}

/** Sum and number of a group's values. */
export interface GroupSum {
  readonly sum: number;
  readonly count: number;
}

/** Groups in order of first appearance. */
export function grouped<T extends { readonly group: string }>(items: readonly T[]): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(item.group);
    if (group) group.push(item);
    else groups.set(item.group, [item]);
  }
  return [...groups.values()];
}

export function groupSums(observations: readonly Observation[]): GroupSum[] {
  return grouped(observations).map((group) => ({
    sum: group.reduce((sum, { value }) => sum + value, 0),
    count: group.length,
  }));
}

export function meanOfGroups(groups: readonly GroupSum[]): number {
  let sum = 0;
  let count = 0;
  for (const group of groups) {
    sum += group.sum;
    count += group.count;
  }
  return sum / count;
}
