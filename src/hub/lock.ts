/**
 * One pull of a file at a time, across processes: `<file>.lock` holds who pulls and is touched while it does.
 * A lock is left over if its process is gone, or if nobody has touched it for half a minute (another machine, a reused pid).
 */
import { randomUUID } from "node:crypto";
import { readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { explainDiskError } from "./part-file.ts";
import type { PullOptions } from "./source.ts";

const RETRY_MS = 100;
const TOUCH_MS = 5_000;
const ABANDONED_MS = 30_000;

export interface Lock {
  release(): Promise<void>;
}

/** Waits until the lock is free. Rejects with the signal's reason if aborted meanwhile. */
export async function takeLock(path: string, { onNotice, signal }: PullOptions): Promise<Lock> {
  const owner = `${process.pid} ${hostname()} ${randomUUID()}`;
  for (let hasTold = false; !(await tryCreate(path, owner)); ) {
    if (await isLeftOver(path)) {
      await discard(path);
      continue;
    }
    if (!hasTold) onNotice?.(`another process is pulling this model, waiting for it (${path})`);
    hasTold = true;
    await delay(RETRY_MS, undefined, { signal }).catch(() => signal?.throwIfAborted());
  }
  const touch = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => clearInterval(touch)); // Gone: somebody took it for abandoned.
  }, TOUCH_MS);
  touch.unref();
  return {
    async release() {
      clearInterval(touch);
      if ((await read(path)) === owner) await rm(path, { force: true });
    },
  };
}

async function tryCreate(path: string, owner: string): Promise<boolean> {
  try {
    await writeFile(path, owner, { flag: "wx" });
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "EEXIST") return false;
    await rm(path, { force: true }); // Created but not written: the disk is full.
    throw explainDiskError(path, cause);
  }
}

async function isLeftOver(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  if (!found) return false;
  if (Date.now() - found.mtimeMs > ABANDONED_MS) return true;
  // A lock just created may still be empty: then it has no host yet.
  const [pid, host] = ((await read(path)) ?? "").split(" ");
  return host === hostname() && !isRunning(Number(pid));
}

/** Renamed first, so that of several waiting processes only one removes it. */
async function discard(path: string): Promise<void> {
  const aside = `${path}.${process.pid}`;
  await rename(path, aside).catch((cause) => {
    if (cause.code !== "ENOENT") throw explainDiskError(path, cause);
  });
  await rm(aside, { force: true });
}

async function read(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch(() => undefined);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === "EPERM"; // It runs, as another user.
  }
}
