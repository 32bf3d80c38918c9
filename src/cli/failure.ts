/** What a failed command says on stderr, and its exit code: 1 our bug, 2 bad input, 3 not enough capacity, 130 Ctrl-C. */
import { styleText } from "node:util";
import { CommanderError } from "commander";
import { exitCodeOf } from "../runtime/errors.ts";
import { Interrupted } from "./interrupt.ts";

const INTERRUPTED = 130;

export function reportFailure(error: unknown, args: readonly string[]): number {
  if (error instanceof CommanderError) return reportUsage(error, args);
  if (isInterruption(error)) {
    process.stderr.write("longspan: interrupted\n");
    return INTERRUPTED;
  }
  const code = exitCodeOf(error);
  process.stderr.write(code === 1 ? bugReport(error, args) : describe((error as Error).message));
  return code;
}

/** One line for an expected error, also where a command goes on after it. */
export function describe(message: string): string {
  return `${styleText("red", "longspan:", { stream: process.stderr })} ${message}\n`;
}

function reportUsage(error: CommanderError, args: readonly string[]): number {
  if (error.exitCode === 0 || error.code === "commander.help") return 0;
  const known = args[0] !== undefined && /^[a-z]+$/.test(args[0]) && error.code !== "commander.unknownCommand";
  const help = known ? `longspan ${args[0]} --help` : "longspan --help";
  const problem = error.message
    .replace(/^error: /, "")
    .replace(/\n\(Did you mean (.*)\?\)$/s, ". Did you mean $1?")
    .replace(/[^.?]$/, "$&.");
  process.stderr.write(describe(`${problem} Run \`${help}\` for what is possible.`));
  return 2;
}

function isInterruption(error: unknown): boolean {
  return error instanceof Interrupted || (error instanceof Error && error.name === "AbortError");
}

function bugReport(error: unknown, args: readonly string[]): string {
  const stack = error instanceof Error ? error.stack : String(error);
  const system = `node ${process.version}, ${process.platform} ${process.arch}`;
  return `${stack}\n\n${describe("this is a bug in Longspan. Please report it, with the lines above and below.")}${system}\nlongspan ${args.join(" ")}\n`;
}
