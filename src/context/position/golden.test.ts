/** Frequencies against those of transformers (test/golden/README.md), which computes in f32. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { Frequencies, TrainedRope } from "./method.ts";
import { type PositionOptions, positionMethod } from "./registry.ts";
import { fillRopeTable } from "./table.ts";

interface Case {
  name: string;
  type: string;
  base: number;
  maxPosition: number;
  seqLen?: number;
  rotaryDim: number;
  parameters: Record<string, number | number[] | boolean>;
  attentionFactor: number;
  invFreq: number[];
}
interface Sample {
  case: string;
  positions: number[];
  cos: number[][];
  sin: number[][];
}

const { cases, samples } = JSON.parse(readFileSync("test/golden/rope.json", "utf8")) as {
  cases: Case[];
  samples: Sample[];
};

/** The same scaling in our options. */
function optionsOf({ type, parameters, maxPosition, seqLen }: Case): { options: PositionOptions; length: number } {
  const number = (name: string) => parameters[name] as number | undefined;
  const length = number("original_max_position_embeddings") ?? maxPosition;
  const factor = number("factor") ?? maxPosition / length;
  const attentionFactor = number("attention_factor");
  switch (type) {
    case "default":
      return { options: { method: "rope" }, length };
    case "linear":
      return { options: { method: "linear", factor }, length };
    case "dynamic":
      return { options: { method: "dynamic-ntk", factor, length: seqLen ?? maxPosition }, length: maxPosition };
    case "yarn": {
      const { beta_fast: betaFast, beta_slow: betaSlow, mscale, mscale_all_dim: mscaleAll, truncate } = parameters;
      const sharp = (scale: number) => 0.1 * scale * Math.log(factor) + 1;
      const ratio = mscale && mscaleAll ? sharp(mscale as number) / sharp(mscaleAll as number) : undefined;
      const options = { betaFast, betaSlow, truncate, attentionFactor: attentionFactor ?? ratio };
      return { options: { method: "yarn", factor, ...options } as PositionOptions, length };
    }
    case "longrope": {
      const divisors = parameters[seqLen !== undefined && seqLen > length ? "long_factor" : "short_factor"] as number[];
      return { options: { method: "longrope", factor, divisors, attentionFactor }, length };
    }
    case "llama3": {
      const { low_freq_factor: lowFrequencyFactor, high_freq_factor: highFrequencyFactor } = parameters;
      return {
        options: { method: "llama3", factor, lowFrequencyFactor, highFrequencyFactor } as PositionOptions,
        length,
      };
    }
    default:
      throw new Error(type);
  }
}

function frequenciesOf(golden: Case): Frequencies {
  const { options, length } = optionsOf(golden);
  const trained: TrainedRope = { base: golden.base, rotary: golden.rotaryDim, contextLength: length };
  return positionMethod(options).frequencies(options, trained);
}

test("all 70 golden cases: every frequency within 2e-6 of transformers', attention factors within 1e-9", () => {
  assert.equal(cases.length, 70);
  for (const golden of cases) {
    const { inverse, attentionFactor } = frequenciesOf(golden);
    assert.equal(inverse.length, golden.invFreq.length, golden.name);
    for (const [m, expected] of golden.invFreq.entries())
      assert.ok(Math.abs(inverse[m] / expected - 1) < 2e-6, `${golden.name}, pair ${m}: ${inverse[m]}, ${expected}`);
    assert.ok(Math.abs(attentionFactor - golden.attentionFactor) < 1e-9, `${golden.name}: ${attentionFactor}`);
  }
});

test("cosines and sines of the samples within 1e-5 up to position 100 (transformers multiplies in f32)", () => {
  assert.equal(samples.length, 3);
  for (const sample of samples) {
    const golden = cases.find(({ name }) => name === sample.case)!;
    const profile = frequenciesOf(golden);
    const pairs = golden.rotaryDim / 2;
    for (const [i, position] of sample.positions.entries()) {
      if (position > 100) continue;
      const table = new Float32Array(2 * pairs);
      fillRopeTable(table, [position], profile);
      for (let m = 0; m < pairs; m++) {
        assert.ok(Math.abs(table[m] - sample.cos[i][m]) < 1e-5, `${sample.case}, position ${position}, pair ${m}`);
        assert.ok(Math.abs(table[pairs + m] - sample.sin[i][m]) < 1e-5, `${sample.case}, position ${position}`);
      }
    }
  }
});
