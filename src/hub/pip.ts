/** The user's own pip: it knows their index, mirror, proxy and certificates. It runs as a child process. */
import { spawn } from "node:child_process";
import { mkdir, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { CapacityError, InputError } from "../runtime/errors.ts";

/** A command that runs pip, with its first arguments. */
export type Pip = readonly [command: string, ...argumentsBefore: string[]];

const candidates: readonly Pip[] = [
  ["python3", "-m", "pip"],
  ["python", "-m", "pip"],
  ["py", "-m", "pip"],
  ["pip3"],
  ["pip"],
];

/** The first of the usual commands that answers. */
export async function findPip(signal?: AbortSignal): Promise<Pip> {
  for (const pip of candidates) {
    const result = await run(pip, ["--version"], { signal });
    if (result?.status === 0) return pip;
  }
  throw new InputError("pip: expected python3 -m pip, pip3 or pip, found none. Install Python with pip.");
}

export interface PipOptions {
  /** Called a few times a second with what lies in the folder. */
  onBytes: (bytes: number) => void;
  signal?: AbortSignal;
}

/** Downloads one wheel into `folder` and resolves to its path. */
export async function downloadWheel(
  pip: Pip,
  requirement: string,
  folder: string,
  { onBytes, signal }: PipOptions,
): Promise<string> {
  // Everything of pip stays in our folder: its temporary files too, and no second copy in its cache.
  const temporary = join(folder, "tmp");
  await mkdir(temporary, { recursive: true });
  const watch = setInterval(() => folderBytes(folder).then(onBytes), 250);
  const result = await run(
    pip,
    [
      "download",
      "--no-deps",
      "--only-binary=:all:", // A source package would be built, that is run.
      "--no-cache-dir",
      "--no-input",
      "--disable-pip-version-check",
      "--progress-bar=off",
      `--dest=${folder}`,
      requirement,
    ],
    { signal, env: { ...process.env, TMPDIR: temporary, TEMP: temporary, TMP: temporary } },
  ).finally(() => clearInterval(watch));

  if (result?.status !== 0) throw explain(pip, requirement, result);
  const wheel = (await readdir(folder)).find((name) => name.endsWith(".whl"));
  if (!wheel) throw new InputError(`pip download ${requirement}: expected a wheel in ${folder}, got none.`);
  return join(folder, wheel);
}

function explain(pip: Pip, requirement: string, result: PipResult | undefined): Error {
  const command = `${pip.join(" ")} download ${requirement}`;
  const errors = result?.errors ?? "";
  if (/No space left on device|ENOSPC/.test(errors))
    return new CapacityError(
      `${command}: the disk is full. Free some space, or set LONGSPAN_HOME to a folder on another disk.`,
      { got: "ENOSPC" },
    );
  const lines = errors.trim().split("\n");
  const reason = lines.findLast((line) => line.startsWith("ERROR:")) ?? lines.at(-1);
  return new InputError(`${command}: ${reason || `exit code ${result?.status}`}. Check the index that pip uses.`);
}

interface PipResult {
  /** Exit code, null if a signal ended it. */
  status: number | null;
  errors: string;
}

/** Undefined if there is no such command. Rejects with the signal's reason, once the child is gone. */
function run(
  [command, ...argumentsBefore]: Pip,
  args: string[],
  { signal, env }: { signal?: AbortSignal; env?: NodeJS.ProcessEnv },
): Promise<PipResult | undefined> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const child = spawn(command, [...argumentsBefore, ...args], {
      stdio: ["ignore", "ignore", "pipe"],
      windowsHide: true,
      env,
    });
    const stop = () => child.kill();
    signal?.addEventListener("abort", stop, { once: true });
    let errors = "";
    child.stderr.setEncoding("utf8").on("data", (text) => {
      errors = (errors + text).slice(-10_000);
    });
    child.once("error", () => resolve(undefined));
    child.once("close", (status) => {
      signal?.removeEventListener("abort", stop);
      if (signal?.aborted) reject(signal.reason);
      else resolve({ status, errors });
    });
  });
}

async function folderBytes(folder: string): Promise<number> {
  let total = 0;
  // Files come and go while pip works: one that is gone counts nothing.
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  for (const name of names) {
    const found = await stat(join(folder, name)).catch(() => undefined);
    if (found?.isFile()) total += found.size;
  }
  return total;
}
