/** Where Longspan keeps what it downloads: LONGSPAN_HOME, or `longspan` in the user's cache directory. */
import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";

export function longspanHome(env: NodeJS.ProcessEnv = process.env, platform: string = process.platform): string {
  if (env.LONGSPAN_HOME) return resolve(env.LONGSPAN_HOME);
  return join(cacheDirectory(env, platform), "longspan");
}

export function modelsFolder(): string {
  return join(longspanHome(), "models");
}

/** Of evaluation runs that were not put elsewhere. */
export function runsFolder(): string {
  return join(longspanHome(), "eval", "runs");
}

/** Of texts that were read: see DiskBlockStore. */
export function contextsFolder(): string {
  return join(longspanHome(), "contexts");
}

function cacheDirectory(env: NodeJS.ProcessEnv, platform: string): string {
  // The XDG specification says that a relative path is to be ignored.
  if (env.XDG_CACHE_HOME && isAbsolute(env.XDG_CACHE_HOME)) return env.XDG_CACHE_HOME;
  if (platform === "win32") return env.LOCALAPPDATA ?? join(homedir(), "AppData", "Local");
  if (platform === "darwin") return join(homedir(), "Library", "Caches");
  return join(homedir(), ".cache");
}
