/** Longest common subsequence of two lists of words. */

/**
 * Places of `x` that belong to one longest common subsequence with `y`, descending. Which of several equally long ones
 * is found matters to ROUGE's union over sentences: on a tie the walk back steps in `tieStep`.
 */
export function commonSubsequence(x: readonly string[], y: readonly string[], tieStep: "x" | "y"): number[] {
  const width = y.length + 1;
  const lengths = new Uint32Array((x.length + 1) * width);
  for (let i = 1; i <= x.length; i++)
    for (let j = 1; j <= y.length; j++)
      lengths[i * width + j] =
        x[i - 1] === y[j - 1]
          ? lengths[(i - 1) * width + j - 1] + 1
          : Math.max(lengths[(i - 1) * width + j], lengths[i * width + j - 1]);
  const places: number[] = [];
  let [i, j] = [x.length, y.length];
  while (i > 0 && j > 0) {
    const [withoutX, withoutY] = [lengths[(i - 1) * width + j], lengths[i * width + j - 1]];
    if (x[i - 1] === y[j - 1]) {
      places.push(i - 1);
      i--;
      j--;
    } else if (withoutX > withoutY || (withoutX === withoutY && tieStep === "x")) i--;
    else j--;
  }
  return places;
}
