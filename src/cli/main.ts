/** The command line's front door: finds the command, imports only that one, turns what happens into an exit code. */
import { Command } from "commander";
import { reportFailure } from "./failure.ts";
import { flush, leaveWhenReaderLeaves } from "./output.ts";
import { version } from "./version.ts";

/** One file a command. `longspan --help` is the only thing that needs all of them. */
const commands: Record<string, () => Promise<Command>> = {
  ask: async () => (await import("./commands/ask.ts")).askCommand(),
  chat: async () => (await import("./commands/chat.ts")).chatCommand(),
  models: async () => (await import("./commands/models.ts")).modelsCommand(),
  cache: async () => (await import("./commands/cache.ts")).cacheCommand(),
  plans: async () => (await import("./commands/plans.ts")).plansCommand(),
  tokenize: async () => (await import("./commands/tokenize.ts")).tokenizeCommand(),
  logits: async () => (await import("./commands/logits.ts")).logitsCommand(),
  serve: async () => (await import("./commands/serve.ts")).serveCommand(),
  eval: async () => (await import("./commands/eval/index.ts")).evalCommand(),
  bench: async () => (await import("./commands/bench.ts")).benchCommand(),
};

const EXAMPLES = `
Examples:
  $ longspan ask book.epub "Who is the landlord of the inn?"
  $ longspan chat contract.pdf
  $ longspan models list
  $ longspan eval run --tier smoke

\`longspan COMMAND --help\` has the options and more examples.
Models and caches live under LONGSPAN_HOME (default: the XDG cache directory).
Exit codes: 0 done, 1 a bug in Longspan, 2 bad input, 3 not enough capacity,
130 interrupted.`;

/** Runs one command line (without `node` and the script) and returns the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  leaveWhenReaderLeaves();
  const code = await run(args);
  await flush();
  return code;
}

async function run(args: readonly string[]): Promise<number> {
  try {
    const program = await programFor(args[0]);
    if (args.length === 0) program.outputHelp();
    else await program.parseAsync(args, { from: "user" });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    return reportFailure(error, args);
  }
}

async function programFor(name: string | undefined): Promise<Command> {
  const program = new Command("longspan")
    .description("Reads long documents with real language models, on the machine you have.")
    .version(version(), "-V, --version", "print the version")
    .configureHelp({ subcommandTerm: (command) => command.name() })
    .addHelpText("after", EXAMPLES);
  const load = name === undefined || !Object.hasOwn(commands, name) ? Object.values(commands) : [commands[name]];
  for (const command of await Promise.all(load.map((create) => create()))) program.addCommand(command);
  adapt(program);
  return program;
}

/** Commander prints and exits by itself; we want its complaint as an error, and our own form for it (failure.ts). */
function adapt(command: Command): void {
  command
    .helpOption("-h, --help", "print help")
    .exitOverride()
    .configureOutput({ outputError: () => {} });
  if (command.commands.length > 0) command.helpCommand("help [command]", "print help for a command");
  for (const child of command.commands) adapt(child);
}
