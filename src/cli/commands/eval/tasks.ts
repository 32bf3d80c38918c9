/** longspan eval tasks: what there is to run, where it comes from, under which licence. */
import { Command } from "commander";
import { loaders } from "../../../eval/loaders/index.ts";
import { tasks } from "../../../eval/tasks/registry.ts";
import { tierNames, tiers } from "../../../eval/tiers.ts";
import { withinTerminal, write } from "../../output.ts";
import { formatTable } from "../../statistics.ts";

export function tasksCommand(): Command {
  return new Command("tasks")
    .description("list the tasks with their sources and licences")
    .argument("[families...]", "only these families")
    .option("--json", "print one JSON array")
    .addHelpText("after", "\nExamples:\n  $ longspan eval tasks\n  $ longspan eval tasks ruler needle --json")
    .action(list);
}

async function list(families: string[], { json }: { json?: true }): Promise<void> {
  const listed = tasks.filter(({ family }) => families.length === 0 || families.includes(family));
  if (json) {
    const rows = listed.map(({ id, family, version, summary, source, license, needsFile, sweepsDepth }) => ({
      id,
      family,
      version,
      summary,
      source,
      license,
      needsFile,
      sweepsDepth: sweepsDepth ?? false,
    }));
    await write(`${JSON.stringify(rows)}\n`);
    return;
  }
  for (const family of new Set(listed.map((task) => task.family))) {
    const members = listed.filter((task) => task.family === family);
    const rows = members.map(({ id, summary, needsFile }) => [
      id,
      needsFile === undefined ? summary : `${summary} (--data ${needsFile}=FILE)`,
    ]);
    await write(
      `${family}\n${withinTerminal(formatTable({ task: "left", summary: "left" }, rows)).replace(/^/gm, "  ")}\n`,
    );
    await write(`  from: ${[...new Set(members.map(({ source }) => source))].join("; ")}\n`);
    await write(`  licence: ${[...new Set(members.map(({ license }) => license))].join("; ")}\n\n`);
  }
  if (families.length > 0) return;
  await write(`Tiers (--tier)\n${tierNames.map((name) => `  ${name}: ${tiers[name].summary}`).join("\n")}\n\n`);
  const formats = Object.values(loaders).map(({ id, summary, license, source }) => [id, summary, license, source]);
  const formatColumns = { format: "left", summary: "left", licence: "left", source: "left" } as const;
  await write("Files of yours (longspan eval file FILE --format FORMAT)\n");
  await write(`${withinTerminal(formatTable(formatColumns, formats)).replace(/^/gm, "  ")}\n`);
}
