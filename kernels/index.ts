// The kernels. Every export is called as kernel(begin, end, scratch, …arguments): items [begin, end) of one command, on one worker.
export { attention, mergePartials } from "./attention";
export { attentionColumns } from "./attention-columns";
export { blockMasses } from "./block-masses";
export { embed, matmuls } from "./matmul";
export { packFloat, packInt16, packInt8 } from "./pack-rows";
export { packWeights } from "./pack-weights";
export { appendKv, sealPages } from "./page";
export { indexPages, scorePages } from "./page-index";
export { sealLowPages } from "./page-low";
export { unpackPages } from "./page-low-unpack";
export { addOuterProducts, projectedNorms } from "./projection";
export { rowMasses } from "./row-masses";
export { fillRows, geluMul, rmsnorm, rope, siluMul } from "./rows";
export { readSlots } from "./slots";
