/**
 * page-topk (Quest, arXiv 2406.10774; selection reused over steps as in LServe, arXiv 2502.14866):
 *
 *   u(h, p) = max over runs of 16 slots of Σ_c max(q_h[c] · least_p[c], q_h[c] · greatest_p[c])     ≥ q_h · k for every key of p
 *   seen = first and last pages ∪ the pages with the largest  max_h (u(h, p) − max_p' u(h, p'))      until the budget is full
 *
 * h runs over the query heads of a KV head, which share one list; heads differ in scale, so each is measured against its own best page.
 */
import { techniqueOptions } from "../technique.ts";
import { defineDecode } from "./method.ts";
import { budgetHoldsAll, mostPromising, topOptions } from "./most-promising.ts";

export const pageTopk = defineDecode({
  id: "page-topk",
  summary: "pages that may hold the keys with the largest products, by bounds of 16 slots",
  source: "arXiv 2406.10774; arXiv 2502.14866",
  options: techniqueOptions("page-topk", topOptions),
  needs: ({ every }) => ({ index: { kind: "bounds", slots: 16 }, every }),
  seesAll: budgetHoldsAll,
  choose: mostPromising,
});
