import assert from "node:assert/strict";
import { test } from "node:test";
import { builds, kernelBuild } from "../../test/support/kernels.ts";
import { compileKernels, instantiateKernels, kernelNames } from "./kernels.ts";
import { SharedHeap } from "./memory.ts";

/** A module with nothing in it: magic number and version. */
const empty = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
const unknown = Uint8Array.of(0, 0x61, 0x73, 0x6d, 9, 0, 0, 0);

test("compileKernels takes the relaxed build where the engine can read it, else the plain one", () => {
  assert.equal(compileKernels(() => empty).name, "relaxed");
  assert.equal(compileKernels((build) => (build === "relaxed" ? unknown : empty)).name, "simd");
});

for (const build of builds)
  test(`${build}: exports exactly the kernels that a team can name`, () => {
    const exported = WebAssembly.Module.exports(kernelBuild(build).module);
    const functions = exported.filter(({ kind }) => kind === "function").map(({ name }) => name);
    assert.deepEqual(functions.sort(), [...kernelNames].sort());
    const kernels = instantiateKernels(kernelBuild(build).module, new SharedHeap(0).memory);
    assert.ok(kernels.every((kernel) => typeof kernel === "function"));
  });
