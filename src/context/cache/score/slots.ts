/** Number of slots whose position is below `position`: they are the first ones. */
export function slotsBelow(positions: Int32Array, position: number): number {
  let count = 0;
  while (count < positions.length && positions[count] < position) count++;
  return count;
}
