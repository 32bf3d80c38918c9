/** Norms of vectors that lie one after another. */

/** [rows][size] to [rows]: √Σ x². Sums in f64. */
export function norms(vectors: Float32Array, size: number): Float32Array {
  return Float32Array.from({ length: vectors.length / size }, (_, row) => {
    let squares = 0;
    for (let at = row * size; at < (row + 1) * size; at++) squares += vectors[at] ** 2;
    return Math.sqrt(squares);
  });
}
