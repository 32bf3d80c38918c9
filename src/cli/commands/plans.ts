/** longspan plans list|show|check: presets and techniques by axis, and whether a plan fits a model. */
import { Command } from "commander";
import { choosePlan, type PlanChoice } from "../../context/auto.ts";
import { checkPlan, expectSoundPlan } from "../../context/check.ts";
import { type Plan, planTechniques } from "../../context/plan.ts";
import { contextLengthOf, createRotation } from "../../context/position/rotation.ts";
import { presets } from "../../context/presets.ts";
import { type ModelHeader, planFacts, planRequest, readModelHeader } from "../../engine/plan-facts.ts";
import { calibrationPath } from "../../hub/calibrations.ts";
import { nodeHost } from "../../platform/node.ts";
import { InputError } from "../../runtime/errors.ts";
import { planArgument, wholeNumber } from "../arguments.ts";
import { interruptible } from "../interrupt.ts";
import { findModel } from "../model.ts";
import { write } from "../output.ts";
import { breakEvensOf } from "../prompt-plans.ts";
import { formatCount, formatTable } from "../statistics.ts";

const EXAMPLES = `
A plan is the name of a preset, inline JSON, or a JSON file; it is given to other
commands with --plan. Where the length of the prompt is known (ask, chat, bench,
logits) --plan auto chooses the least that makes it fit.

Examples:
  $ longspan plans list
  $ longspan plans show exact
  $ longspan plans check '{"position":{"method":"yarn","factor":4}}' --model smollm2-135m`;

/** From docs/techniques/README.md, where the figures are. */
const ADVICE = `
Which to use, as measured on small models (docs/techniques has the figures):
  beyond the trained length   dca
  less memory, all kept       k8v4, then q4
  fewer tokens kept           value-aware or snapkv if the question is read before
                              tokens go; else lag-kv for a half, key-diff with
                              adaptive for less; not attention-sum, key-norm or
                              expected-attention
`;

const CHECK_EXAMPLES = `
Examples:
  $ longspan plans check plan.json --model qwen2.5-coder-0.5b
  $ longspan plans check auto --model smollm2-135m --tokens 12000`;

export function plansCommand(): Command {
  const plans = new Command("plans").description("list, show and check context plans").addHelpText("after", EXAMPLES);
  plans
    .command("list", { isDefault: true })
    .description("presets, and techniques by axis")
    .option("--json", "print one JSON object")
    .addHelpText("after", "\nExample:\n  $ longspan plans list --json")
    .action(list);
  plans
    .command("show")
    .description("print a preset, or a plan completed with defaults, as JSON")
    .argument("<plan>", "preset, JSON or file")
    .addHelpText("after", "\nExample:\n  $ longspan plans show exact > plan.json")
    .action(async (text: string) => write(`${JSON.stringify(planArgument(text), undefined, 2)}\n`));
  plans
    .command("check")
    .description("say whether a plan is sound, and what context it gives a model")
    .argument("<plan>", "preset, JSON, file, or auto (with --model and --tokens)")
    .option("-m, --model <model>", "catalogue name, GGUF file, or hf:owner/repo/file.gguf")
    .option("--tokens <n>", "tokens of prompt and output that it must reach", wholeNumber("--tokens", 1))
    .option("--json", "print one JSON object")
    .addHelpText("after", CHECK_EXAMPLES)
    .action(check);
  return plans;
}

async function list({ json }: { json?: true }): Promise<void> {
  if (json) {
    const techniques = Object.fromEntries(
      planTechniques().map(({ axis, members }) => [axis, members.map(({ id }) => id)]),
    );
    await write(`${JSON.stringify({ presets: Object.keys(presets), techniques })}\n`);
    return;
  }
  const columns = { preset: "left", what: "left" } as const;
  const rows = Object.entries(presets).map(([name, { summary }]) => [name, summary]);
  await write(`${formatTable(columns, rows)}\n`);
  for (const { axis, members } of planTechniques()) {
    const table = formatTable(
      { [axis]: "left", what: "left" },
      members.map(({ id, summary }) => [id, summary]),
    );
    await write(`\n${table}\n`);
  }
  await write(ADVICE);
}

interface CheckOptions {
  model?: string;
  tokens?: number;
  json?: true;
}

async function check(text: string, options: CheckOptions): Promise<void> {
  const { model, json } = options;
  if (model === undefined) {
    const plan = planArgument(text);
    expectSoundPlan(plan);
    const { notes } = checkPlan(plan);
    const sound = "The plan is sound. Pass --model to check it against a model.";
    await write(json ? `${JSON.stringify({ plan, notes })}\n` : linesOf([sound], notes));
    return;
  }
  const { signal } = interruptible();
  const { path } = await findModel(model, signal);
  const header = readModelHeader(nodeHost, path);
  const { plan, reasons } = text === "auto" ? automatic(header, options) : { plan: planArgument(text), reasons: [] };
  const hasCalibration = calibrationPath(path) !== undefined;
  const facts = { ...planFacts(header.config), name: model, neededTokens: options.tokens, hasCalibration };
  expectSoundPlan(plan, facts);
  createRotation(plan.position, header.config);
  const notes = [...checkPlan(plan, facts).notes, ...measuredNotes(plan, path)];
  const trained = facts.contextLength;
  const contextLength = contextLengthOf(plan.position, trained);
  if (json) {
    await write(`${JSON.stringify({ plan, model, trainedContextLength: trained, contextLength, reasons, notes })}\n`);
    return;
  }
  const sound = `The plan is sound. ${model} was trained for ${formatCount(trained)} tokens; with this plan it reads up to ${formatCount(contextLength)}.`;
  await write(linesOf(reasons.length > 0 ? [...reasons, JSON.stringify(plan), sound] : [sound], notes));
}

/** From what length on the plan's way of reading is faster than full attention, where that was measured here. */
function measuredNotes(plan: Plan, path: string): string[] {
  const breakEvens = breakEvensOf({ path });
  const tokens = breakEvens.find(plan);
  if (tokens === undefined) return [];
  const { method } = plan.prefill;
  const found = Number.isFinite(tokens)
    ? `is faster than full attention from ${formatCount(tokens)} tokens on; shorter prompts`
    : "is never faster than full attention; prompts";
  return [
    `Measured on this machine (threads: ${breakEvens.threads}): prefill "${method}" ${found} are read with full attention, unless --force-plan is passed.`,
  ];
}

function automatic(header: ModelHeader, { tokens }: CheckOptions): PlanChoice {
  if (tokens === undefined)
    throw new InputError("plans check auto: expected the tokens of prompt and output, got none. Pass --tokens N.");
  return choosePlan(planRequest(nodeHost, header, tokens));
}

function linesOf(lines: readonly string[], notes: readonly string[]): string {
  return [...lines, ...notes.map((note) => `Note: ${note}`)].map((line) => `${line}\n`).join("");
}
