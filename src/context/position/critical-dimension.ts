/**
 * The critical dimension: how many dimensions of a head went through a whole turn within the trained length L. The others have
 * seen a part of their circle only, and positions beyond L take them where training never was.
 *
 *   critical = 2 · #{ m : 2π / f_m < L }         as trained 2 ⌈(d / 2) · log_base(L / 2π)⌉ of d rotary dimensions
 *   context  = 2π / f_(critical / 2)             as trained 2π · base^(critical / d)
 *
 * Up to `context` no dimension turns further than once, so extrapolation is predicted to hold. Liu et al. 2023, arXiv 2310.05209
 * (scaling laws of RoPE-based extrapolation); log_base(L / 2π) is counted from the frequencies, so that a file's scaling is seen.
 */

/** `inverse`: radians per position of each pair, descending. Gives dimensions: an even number up to twice the pairs. */
export function criticalDimension(inverse: Float64Array, trainedLength: number): number {
  return 2 * inverse.filter((frequency) => turn(frequency) < trainedLength).length;
}

/** Tokens up to which the dimensions beyond the critical one turn once at most; undefined where there are none. */
export function predictedContext(inverse: Float64Array, critical: number): number | undefined {
  const first = inverse[critical / 2];
  return first === undefined ? undefined : Math.round(turn(first));
}

/** Tokens of a whole turn. */
function turn(frequency: number): number {
  return (2 * Math.PI) / frequency;
}
