/**
 * Logistic regression by Newton's method: maximises Σ y ln p + (1-y) ln(1-p), logit p = x·beta, y from 0 to 1.
 * Standard errors are the clustered sandwich H⁻¹ (Σ s sᵀ) H⁻¹ with s the score of a group (Liang and Zeger, 1986),
 * which also holds for scores that are not 0/1.
 */

export interface LogisticFit {
  readonly coefficients: readonly number[];
  readonly standardErrors: readonly number[];
}

export interface LogisticSample {
  readonly x: readonly number[];
  readonly y: number;
  readonly group: string;
}

const mostSteps = 25;

/** Undefined where there is no finite maximum: answers separated by x, all alike, or too few different x. */
export function logisticRegression(samples: readonly LogisticSample[]): LogisticFit | undefined {
  const size = samples[0].x.length;
  let beta = new Array<number>(size).fill(0);
  let likelihood = logLikelihood(samples, beta);
  for (let step = 0; step < mostSteps; step++) {
    const { gradient, information } = derivatives(samples, beta);
    const inverse = invert(information);
    if (inverse === undefined) return undefined;
    const direction = inverse.map((row) => dot(row, gradient));
    // The likelihood is concave: a step that lowers it only went too far.
    let share = 1;
    while (share > 1e-6 && logLikelihood(samples, move(beta, direction, share)) < likelihood - 1e-12) share /= 2;
    beta = move(beta, direction, share);
    likelihood = logLikelihood(samples, beta);
    if (Math.max(...direction.map(Math.abs)) < 1e-8)
      return { coefficients: beta, standardErrors: sandwich(samples, beta) };
  }
  // Still walking: the maximum lies at infinity.
  return undefined;
}

function derivatives(samples: readonly LogisticSample[], beta: readonly number[]) {
  const gradient = new Array<number>(beta.length).fill(0);
  const information = beta.map(() => new Array<number>(beta.length).fill(0));
  for (const { x, y } of samples) {
    const p = 1 / (1 + Math.exp(-dot(x, beta)));
    for (let i = 0; i < x.length; i++) {
      gradient[i] += (y - p) * x[i];
      for (let j = 0; j < x.length; j++) information[i][j] += p * (1 - p) * x[i] * x[j];
    }
  }
  return { gradient, information };
}

function sandwich(samples: readonly LogisticSample[], beta: readonly number[]): number[] {
  const bread = invert(derivatives(samples, beta).information)!;
  const scores = new Map<string, number[]>();
  for (const { x, y, group } of samples) {
    const p = 1 / (1 + Math.exp(-dot(x, beta)));
    const score = scores.get(group) ?? new Array<number>(beta.length).fill(0);
    scores.set(group, move(score, x, y - p));
  }
  return bread.map((row) => Math.sqrt([...scores.values()].reduce((sum, score) => sum + dot(row, score) ** 2, 0)));
}

function logLikelihood(samples: readonly LogisticSample[], beta: readonly number[]): number {
  let sum = 0;
  for (const { x, y } of samples) {
    const logit = dot(x, beta);
    // y·logit - ln(1 + e^logit), without overflow.
    sum += y * logit - Math.max(0, logit) - Math.log1p(Math.exp(-Math.abs(logit)));
  }
  return sum;
}

/** Gauss-Jordan with pivoting; undefined where the matrix is singular. */
function invert(matrix: readonly (readonly number[])[]): number[][] | undefined {
  const n = matrix.length;
  const scale = Math.max(...matrix.map((row, i) => Math.abs(row[i])));
  const rows = matrix.map((row, i) => [...row, ...row.map((_, j) => (i === j ? 1 : 0))]);
  for (let column = 0; column < n; column++) {
    let pivot = column;
    for (let i = column + 1; i < n; i++) if (Math.abs(rows[i][column]) > Math.abs(rows[pivot][column])) pivot = i;
    if (!(Math.abs(rows[pivot][column]) > 1e-10 * scale)) return undefined;
    [rows[column], rows[pivot]] = [rows[pivot], rows[column]];
    const divisor = rows[column][column];
    rows[column] = rows[column].map((value) => value / divisor);
    for (let i = 0; i < n; i++) if (i !== column) rows[i] = move(rows[i], rows[column], -rows[i][column]);
  }
  return rows.map((row) => row.slice(n));
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * b[i], 0);
}

function move(from: readonly number[], direction: readonly number[], size: number): number[] {
  return from.map((value, i) => value + size * direction[i]);
}
