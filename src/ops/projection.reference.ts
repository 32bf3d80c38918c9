/** The definitions of projection.ts in f64. D = headDim. */

/** Σ_r |M_r · x_v|^power for every vector x_v: x [vectors][D], matrix [rows][D]. */
export function projectedNormsReference(x: Float32Array, matrix: Float32Array, D: number, power: 1 | 2): Float64Array {
  return Float64Array.from({ length: x.length / D }, (_, v) => {
    let total = 0;
    for (let row = 0; row < matrix.length; row += D) {
      let dot = 0;
      for (let c = 0; c < D; c++) dot += matrix[row + c] * x[v * D + c];
      total += Math.abs(dot) ** power;
    }
    return total;
  });
}

/** Σ q [heads][D] and Σ q·qᵀ [heads][D][D] over tokens [first, q's last): q [tokens][heads][D]. */
export function outerProductsReference(q: Float32Array, heads: number, D: number, first: number) {
  const sums = new Float64Array(heads * D);
  const products = new Float64Array(heads * D * D);
  for (let token = first; token < q.length / (heads * D); token++)
    for (let head = 0; head < heads; head++) {
      const row = (token * heads + head) * D;
      for (let i = 0; i < D; i++) {
        sums[head * D + i] += q[row + i];
        for (let j = 0; j < D; j++) products[(head * D + i) * D + j] += q[row + i] * q[row + j];
      }
    }
  return { sums, products };
}
