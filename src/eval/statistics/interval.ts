/** A 95 % confidence interval, both ends included. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** The 97.5 % point of the normal distribution: 95 % lie within ± z. */
export const z95 = 1.959963984540054;
