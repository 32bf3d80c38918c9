/**
 * retrieval: as page-topk, but a page is judged by the mean of its keys (block means as in MoBA, arXiv 2502.13189):
 *
 *   u(h, p) = q_h · mean over the slots of p of k
 *
 * An eighth of the index and of its reading; no bound: a single key that matters may drown in its page.
 */
import { techniqueOptions } from "../technique.ts";
import { defineDecode } from "./method.ts";
import { budgetHoldsAll, mostPromising, topOptions } from "./most-promising.ts";

export const retrieval = defineDecode({
  id: "retrieval",
  summary: "pages whose mean key suits the query",
  source: "arXiv 2502.13189",
  options: techniqueOptions("retrieval", topOptions),
  needs: ({ every }) => ({ index: { kind: "mean", slots: 64 }, every }),
  seesAll: budgetHoldsAll,
  choose: mostPromising,
});
