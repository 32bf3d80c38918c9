/**
 * Rows of Lᵀ for a covariance L·Lᵀ (f64 [size][size]), so that xᵀ·covariance·x = Σ_r (row_r · x)². Fewer samples than
 * dimensions leave directions without variance: their rows are zero.
 */
export function choleskyRows(covariance: Float64Array, size: number): Float64Array[] {
  let largest = 0;
  for (let i = 0; i < size; i++) largest = Math.max(largest, covariance[i * size + i]);
  const rows = Array.from({ length: size }, () => new Float64Array(size));
  for (let r = 0; r < size; r++) {
    const rest = (column: number) => {
      let sum = covariance[r * size + column];
      for (let above = 0; above < r; above++) sum -= rows[above][r] * rows[above][column];
      return sum;
    };
    const pivot = rest(r);
    // Below: what rounding leaves of a zero.
    if (pivot <= 1e-13 * largest) continue;
    for (let column = r; column < size; column++) rows[r][column] = rest(column) / Math.sqrt(pivot);
  }
  return rows;
}
