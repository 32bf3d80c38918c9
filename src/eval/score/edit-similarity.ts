/**
 * Similarity of code lines: 2·M / T, M characters in matching blocks of T in both (Ratcliff and Obershelp 1988, as in
 * Python's difflib without its junk rule, which only acts from 200 characters). LongBench's code_sim.
 */

/** From 0 (nothing in common) to 1 (equal). Two empty texts are equal. */
export function matchingRatio(a: string, b: string): number {
  const total = a.length + b.length;
  return total === 0 ? 1 : (2 * matching(a, b)) / total;
}

/** LongBench: the first line of the output without "`", "#" and "//", in whole per cent. */
export function codeSimilarity(output: string, reference: string): number {
  const line = output
    .replace(/^\n+/, "")
    .split("\n")
    .find((candidate) => !candidate.includes("`") && !candidate.includes("#") && !candidate.includes("//"));
  return Math.round(100 * matchingRatio(line ?? "", reference)) / 100;
}

/** Characters in the longest common block, and in those to its left and right. */
function matching(a: string, b: string): number {
  if (a === "" || b === "") return 0;
  const block = longestBlock(a, b);
  if (block.length === 0) return 0;
  return (
    block.length +
    matching(a.slice(0, block.a), b.slice(0, block.b)) +
    matching(a.slice(block.a + block.length), b.slice(block.b + block.length))
  );
}

/** The longest; of equally long ones the first in a, then the first in b. */
function longestBlock(a: string, b: string): { a: number; b: number; length: number } {
  let best = { a: 0, b: 0, length: 0 };
  let previous = new Uint32Array(b.length + 1);
  for (let i = 0; i < a.length; i++) {
    const current = new Uint32Array(b.length + 1);
    for (let j = 0; j < b.length; j++) {
      if (a[i] !== b[j]) continue;
      const length = previous[j] + 1;
      current[j + 1] = length;
      if (length > best.length) best = { a: i - length + 1, b: j - length + 1, length };
    }
    previous = current;
  }
  return best;
}
