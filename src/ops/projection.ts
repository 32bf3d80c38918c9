/** Reductions over many vectors of a head (kernels/projection.ts). */
import type { Team } from "../runtime/team.ts";

/** Vectors that are one item's work. */
const BLOCK = 16;

export interface ProjectedNormsArguments {
  /** f32 [count][headDim] */
  readonly x: number;
  readonly count: number;
  /** A multiple of 4, at most 256. */
  readonly headDim: number;
  /** f32 [rows][headDim] */
  readonly matrix: number;
  readonly rows: number;
  readonly power: 1 | 2;
  /** f32 [count] */
  readonly out: number;
}

/** out[v] = Σ_r |M_r · x_v|^power: the same bits whichever vectors stand beside it. Scratch: 68·headDim bytes. */
export function projectedNorms(team: Team, args: ProjectedNormsArguments): void {
  const { x, count, headDim, matrix, rows, power, out } = args;
  team.run("projectedNorms", Math.ceil(count / BLOCK), 1, count, headDim, x, matrix, rows, power, out);
}

export interface OuterProductsArguments {
  /** f32 [tokens][heads][headDim] */
  readonly q: number;
  readonly tokens: number;
  /** First token that counts. */
  readonly first: number;
  readonly heads: number;
  /** A multiple of 4, at most 256. */
  readonly headDim: number;
  /** f64 [heads][headDim] */
  readonly sums: number;
  /** f64 [heads][headDim][headDim]: of row i only the columns j ≥ i are to be read. */
  readonly products: number;
}

/**
 * sums += q, products += q·qᵀ over tokens [first, tokens), token by token in f64: what is summed is the same bit for bit however tokens
 * are cut into calls. Scratch: 64·headDim bytes.
 */
export function addOuterProducts(team: Team, args: OuterProductsArguments): void {
  const { q, tokens, first, heads, headDim, sums, products } = args;
  team.run("addOuterProducts", heads, 1, tokens, first, heads, headDim, q, sums, products);
}
