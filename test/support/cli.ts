/** Runs the command line of this build in a process of its own, as a person would. */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const entry = fileURLToPath(new URL("cli-entry.js", import.meta.url));

export interface CliResult {
  /** null if a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly stdin?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Stops reading stdout after so many characters, as `head` does. */
  readonly closeStdoutAfter?: number;
  /** Sees stderr as it comes, to act in the middle of a run. */
  onStderr?(all: string, child: ChildProcess): void;
}

export function runCli(
  args: string[],
  { stdin = "", env, closeStdoutAfter, onStderr }: CliOptions = {},
): Promise<CliResult> {
  const child = spawn(process.execPath, [entry, ...args], {
    env: { ...process.env, ...env },
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text) => {
    stdout += text;
    if (closeStdoutAfter !== undefined && stdout.length >= closeStdoutAfter) child.stdout.destroy();
  });
  child.stderr.setEncoding("utf8").on("data", (text) => {
    stderr += text;
    onStderr?.(stderr, child);
  });
  child.stdin.on("error", () => {}); // A command that refuses its arguments does not read its input.
  child.stdin.end(stdin);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}
