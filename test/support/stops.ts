/** What a text with stop strings should be, found letter by letter. */
export function untilStop(whole: string, stops: readonly string[]): string {
  for (let end = 1; end <= whole.length; end++) {
    const lengths = stops.filter((stop) => whole.slice(0, end).endsWith(stop)).map((stop) => stop.length);
    if (lengths.length > 0) return whole.slice(0, end - Math.max(...lengths));
  }
  return whole;
}
