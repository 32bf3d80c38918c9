/** Node as a host: files, worker threads, memory. With node-worker.ts the only core file that imports `node:`. */
import { closeSync, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import { availableParallelism, freemem } from "node:os";
import { Worker } from "node:worker_threads";
import { InputError } from "../runtime/errors.ts";
import type { ByteSource, Host, SpawnedPeer } from "./platform.ts";

export const nodeHost: Host = {
  openFile,
  kernelBinary: (build) =>
    new Uint8Array(readFileSync(new URL(`../../../build/kernels-${build}.wasm`, import.meta.url))),
  spawn,
  availableThreads: () => availableParallelism(),
  freeMemoryBytes,
};

/** Opens a file for random access. Throws InputError if it is missing, a directory or unreadable. */
export function openFile(path: string): ByteSource {
  const fd = openOrExplain(path);
  const stat = fstatSync(fd);
  if (!stat.isFile()) {
    closeSync(fd);
    throw new InputError(`${path}: expected a file, got a directory or device. Give the path of a file.`);
  }
  return {
    name: path,
    size: stat.size,
    read(offset, into) {
      let done = 0;
      while (done < into.byteLength) {
        const count = readSync(fd, into, done, into.byteLength - done, offset + done);
        const missing = into.byteLength - done;
        if (count === 0)
          throw new InputError(`${path}: ends at byte ${offset + done}, expected ${missing} more. Download it again.`);
        done += count;
      }
    },
    close: () => closeSync(fd),
  };
}

function openOrExplain(path: string): number {
  try {
    return openSync(path, "r");
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    const reasons: Record<string, string> = { ENOENT: "no such file", EACCES: "no permission to read it" };
    throw new InputError(`${path}: ${reasons[code ?? ""] ?? `cannot be opened (${code})`}. Check the path.`, {
      got: code,
    });
  }
}

function spawn(data: unknown): SpawnedPeer {
  const worker = new Worker(new URL("./node-worker.js", import.meta.url), { workerData: data, execArgv: [] }); // inherited flags may not be allowed in a thread
  let expected = false;
  return {
    post: (message, transfer) => worker.postMessage(message, transfer ?? []),
    listen: (handler) => worker.on("message", handler),
    onFailure(handler) {
      worker.on("error", handler);
      worker.on("exit", (code) => {
        if (!expected) handler(new Error(`worker thread ended with code ${code}`));
      });
    },
    async terminate() {
      expected = true;
      await worker.terminate();
    },
  };
}

/** Free memory of the machine, or of the control group if that is tighter. */
function freeMemoryBytes(): number {
  const machine = linuxAvailable() ?? freemem();
  const limit = readNumber("/sys/fs/cgroup/memory.max") ?? readNumber("/sys/fs/cgroup/memory/memory.limit_in_bytes");
  const used = readNumber("/sys/fs/cgroup/memory.current") ?? readNumber("/sys/fs/cgroup/memory/memory.usage_in_bytes");
  return limit === undefined || used === undefined ? machine : Math.min(machine, Math.max(0, limit - used));
}

function linuxAvailable(): number | undefined {
  try {
    const [, kilobytes] = /MemAvailable:\s+(\d+)/.exec(readFileSync("/proc/meminfo", "utf8")) ?? [];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined; // not Linux
  }
}

function readNumber(path: string): number | undefined {
  try {
    const value = Number(readFileSync(path, "utf8"));
    return Number.isFinite(value) ? value : undefined;
  } catch {
    return undefined; // no control groups here
  }
}
