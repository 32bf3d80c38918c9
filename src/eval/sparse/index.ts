/** What sparse prefills cost and save on one text. */
export { measureSparse } from "./measure.ts";
export { sparsePicture } from "./picture.ts";
export { expectMeasurable, namedPlan, standardPlans } from "./plans.ts";
export { SparseTable, sparseHeading, sparseNotes } from "./text.ts";
export type { NamedPlan, SparseOptions, SparseResult, SparseRow } from "./types.ts";
