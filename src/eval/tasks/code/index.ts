/** Tasks over source code: what a coding model must find in a repository. */
import type { Task } from "../../types.ts";
import { callChain } from "./call-chain.ts";
import { searchNeedleFunction, searchNeedleFunctionBySignature } from "./search-needle-function.ts";
import { symbolLookup } from "./symbol.ts";

export const codeTasks: readonly Task[] = [
  searchNeedleFunction,
  searchNeedleFunctionBySignature,
  symbolLookup,
  callChain,
];
