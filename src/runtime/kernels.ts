/** The compiled kernels: one of two builds, instantiated once per thread over the shared memory. */

/** kernel(begin, end, scratch, …arguments): works on items [begin, end). */
export type Kernel = (...args: number[]) => void;

export const kernelNames = [
  "addOuterProducts",
  "appendKv",
  "attention",
  "attentionColumns",
  "blockMasses",
  "embed",
  "fillRows",
  "geluMul",
  "indexPages",
  "matmuls",
  "mergePartials",
  "packFloat",
  "packInt16",
  "packInt8",
  "packWeights",
  "projectedNorms",
  "readSlots",
  "rmsnorm",
  "rope",
  "rowMasses",
  "scorePages",
  "sealLowPages",
  "sealPages",
  "siluMul",
  "unpackPages",
] as const;
export type KernelName = (typeof kernelNames)[number];

export interface KernelBuild {
  readonly name: "relaxed" | "simd";
  readonly module: WebAssembly.Module;
}

/** Compiles the build with relaxed SIMD where the engine has it, else the plain one. */
export function compileKernels(binary: (build: "relaxed" | "simd") => Uint8Array<ArrayBuffer>): KernelBuild {
  const relaxed = binary("relaxed");
  if (WebAssembly.validate(relaxed)) return { name: "relaxed", module: new WebAssembly.Module(relaxed) };
  return { name: "simd", module: new WebAssembly.Module(binary("simd")) };
}

export function instantiateKernels(module: WebAssembly.Module, memory: WebAssembly.Memory): Kernel[] {
  const abort = () => {
    throw new Error("a kernel aborted");
  };
  const { exports } = new WebAssembly.Instance(module, { env: { memory, abort } });
  return kernelNames.map((name) => exports[name] as Kernel);
}
