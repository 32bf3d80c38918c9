/**
 * Whole numbers between `least` and `most` of each, as equal as these allow, with the sum `total`; the first get what does not
 * divide. All `least` if they are more than the total, all `most` if they are less.
 */
export function evenShares(bounds: readonly { least: number; most: number }[], total: number): Int32Array {
  const at = (level: number) => Int32Array.from(bounds, ({ least, most }) => Math.min(most, Math.max(least, level)));
  const sum = (shares: Int32Array) => shares.reduce((a, b) => a + b, 0);
  let low = 0;
  let high = bounds.reduce((largest, { most }) => Math.max(largest, most), 0);
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (sum(at(middle)) <= total) low = middle;
    else high = middle - 1;
  }
  const shares = at(low);
  const next = at(low + 1);
  let rest = total - sum(shares);
  for (let index = 0; index < shares.length && rest > 0; index++)
    if (next[index] > shares[index]) {
      shares[index]++;
      rest--;
    }
  return shares;
}
