/** Figures for people. */

export function count(value: number): string {
  return value.toLocaleString("en-US");
}

export function percent(share: number): string {
  const text = (100 * share).toFixed(1);
  return `${text === "-0.0" ? "0.0" : text} %`;
}
