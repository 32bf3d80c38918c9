/** Quality against size over ways of dropping. */
export { sweepPicture } from "./picture.ts";
export { nameOf, sweep } from "./sweep.ts";
export { sweepText } from "./text.ts";
export type { SweepOptions, SweepPlan, SweepResult, SweepRow, TriedSample } from "./types.ts";
