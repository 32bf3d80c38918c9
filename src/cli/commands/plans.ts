/** longspan plans list|show|check: presets and techniques by axis, and whether a plan fits a model. */
import { Command } from "commander";
import { type Plan, parsePlan, planTechniques } from "../../context/plan.ts";
import { contextLengthOf } from "../../context/position/rotation.ts";
import { presets } from "../../context/presets.ts";
import { planArgument } from "../arguments.ts";
import { interruptible } from "../interrupt.ts";
import { findModel } from "../model.ts";
import { write } from "../output.ts";
import { formatCount, formatTable } from "../statistics.ts";

const EXAMPLES = `
A plan is the name of a preset, inline JSON, or a JSON file; it is given to other
commands with --plan.

Examples:
  $ longspan plans list
  $ longspan plans show exact
  $ longspan plans check '{"position":{"method":"yarn","factor":4}}' --model smollm2-135m`;

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
    .argument("<plan>", "preset, JSON or file")
    .option("-m, --model <model>", "catalogue name, GGUF file, or hf:owner/repo/file.gguf")
    .option("--json", "print one JSON object")
    .addHelpText("after", "\nExample:\n  $ longspan plans check plan.json --model qwen2.5-coder-0.5b")
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
}

async function check(text: string, { model, json }: { model?: string; json?: true }): Promise<void> {
  const plan: Plan = parsePlan(planArgument(text));
  if (model === undefined) {
    await write(
      json ? `${JSON.stringify({ plan })}\n` : "The plan is sound. Pass --model to check it against a model.\n",
    );
    return;
  }
  const { signal } = interruptible();
  const { contextLength: trained } = await findModel(model, signal);
  const contextLength = contextLengthOf(plan.position, trained);
  if (json) await write(`${JSON.stringify({ plan, model, trainedContextLength: trained, contextLength })}\n`);
  else
    await write(
      `The plan is sound. ${model} was trained for ${formatCount(trained)} tokens; with this plan it reads up to ${formatCount(contextLength)}.\n`,
    );
}
