/** Nearest integer, halves to the even one: as Python and NumPy round, so that budgets equal the reference's. */
export function roundHalfEven(x: number): number {
  const below = Math.floor(x);
  if (x - below !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}
