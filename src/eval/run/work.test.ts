import assert from "node:assert/strict";
import { test } from "node:test";
import { WorkMeter, workOf } from "./work.ts";

test("before anything is done the prediction counts, then the own pace; what is spared takes no time", () => {
  let seconds = 0;
  const meter = new WorkMeter([{ length: 1000, samples: 4 }], 0.01, () => seconds);
  const near = (actual: number, expected: number) => assert.ok(Math.abs(actual - expected) < 1e-9, `${actual}`);
  near(meter.secondsLeft, 4 * workOf(1000) * 0.01);
  seconds = 5;
  meter.answered(1000);
  near(meter.secondsLeft, 15);
  meter.spared(1000, 2);
  near(meter.secondsLeft, 5);
  meter.answered(1000);
  assert.equal(meter.secondsLeft, 0);
});

test("20,000 tokens cost twice as much a token as an empty context", () => assert.equal(workOf(20_000), 40_000));
