import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { estimateTokens, type Kind, type Ratios, ratiosFrom, record, samplesOfKinds } from "./estimate.ts";

test("measured ratios give back the tokens of the texts they were measured with, within one token", () => {
  fc.assert(
    fc.property(fc.integer({ min: 60, max: 400 }), fc.integer({ min: 60, max: 400 }), (few, many) => {
      const tokens = { words: few, capitals: many, digits: many, mixed: few, symbols: many, wide: few };
      const ratios = ratiosFrom(tokens);
      for (const [kind, text] of Object.entries(samplesOfKinds)) {
        const estimate = estimateTokens(text, ratios);
        const measured = tokens[kind as Kind];
        assert.ok(Math.abs(estimate - measured) <= 1, `${kind}: ${estimate} for ${measured}`);
      }
    }),
  );
});

test("every character counts once: pieces of text cost what the whole costs, cut between lines", () => {
  const ratios: Ratios = { words: 0.5, capitals: 0.25, digits: 1, mixed: 0.5, symbols: 2, wide: 1 };
  // Up to 9 characters a word is one unit, a run of symbols always is.
  assert.equal(
    estimateTokens("four numb3rs: 12, café\n  VAR uncharacteristically", ratios),
    0.5 + 0.5 * 8 + 2 + 3 + 2 + 5 + 1 + 0.25 * 3 + 0.5 * (21 / 9),
  );
  const lines = fc.array(fc.constantFrom("The sea.", "key: 9f3a-11b2", "4820193", "東京 naïve", "if (a < 4) {"));
  fc.assert(
    fc.property(lines, (all) => {
      const whole = estimateTokens(all.map((line) => `${line}\n`).join(""), ratios);
      const apart = all.reduce((sum, line) => sum + estimateTokens(`${line}\n`, ratios), 0);
      assert.ok(Math.abs(whole - apart) < 1e-6);
    }),
  );
});

test("the sample of each kind is nothing but that kind", () => {
  for (const [kind, sample] of Object.entries(samplesOfKinds)) {
    const only = { ...record(() => 0), [kind]: 1 } as Ratios;
    const all = record(() => 1);
    assert.equal(estimateTokens(sample, only), estimateTokens(sample, all), kind);
  }
});
