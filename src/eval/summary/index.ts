/** From the rows of a log to what they say: a summary of one run, a comparison of two. */
export { compareRuns, worse } from "./compare.ts";
export { summarize } from "./summarize.ts";
export type * from "./types.ts";
