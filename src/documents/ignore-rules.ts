/**
 * .gitignore as git reads it: rules of a deeper folder override those above, the last match wins, and a file below an
 * ignored folder stays ignored. All files' rules go into one list, each rebased onto the top, which gives just that.
 * Source: gitignore(5), "Pattern format".
 */
import { readFile, stat } from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";
import ignore from "ignore";

export interface IgnoreRules {
  /** Adds the rules of `folder`, a path relative to the root. Parents first. */
  enter(folder: string): Promise<void>;
  /** `path` is relative to the root; a folder's ends in "/". */
  ignores(path: string): boolean;
}

/** Rules for the contents of `root`, including those of the repository around it. */
export async function openIgnoreRules(root: string): Promise<IgnoreRules> {
  const absoluteRoot = resolve(root);
  const top = (await repositoryOf(absoluteRoot)) ?? absoluteRoot;
  const rootFromTop = slashed(relative(top, absoluteRoot));
  const segments = rootFromTop === "" ? [] : rootFromTop.split("/");

  let rules = ignore();
  for (let depth = 0; depth < segments.length; depth++)
    rules.add(await readRules(top, segments.slice(0, depth).join("/")));
  // Whoever names an ignored folder wants what is in it.
  if (rootFromTop !== "" && rules.ignores(`${rootFromTop}/`)) rules = ignore();

  const fromTop = (path: string) => [rootFromTop, path].filter((part) => part !== "").join("/");
  return {
    enter: async (folder) => {
      rules.add(await readRules(top, fromTop(folder)));
    },
    ignores: (path) => rules.ignores(fromTop(path)),
  };
}

async function repositoryOf(folder: string): Promise<string | undefined> {
  for (let candidate = folder; ; candidate = dirname(candidate)) {
    if (await exists(join(candidate, ".git"))) return candidate;
    if (candidate === dirname(candidate)) return undefined;
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function readRules(top: string, folder: string): Promise<string[]> {
  // Most folders have no rules, and one whose rules cannot be read is listed as if it had none, as git does.
  const content = await readFile(join(top, folder, ".gitignore"), "utf8").catch(() => "");
  return content.split(/\r?\n/).flatMap((pattern) => rebase(pattern, folder));
}

/** The pattern that means from the top what `pattern` means in `folder`. */
function rebase(pattern: string, folder: string): string[] {
  if (pattern.trim() === "" || pattern.startsWith("#")) return [];
  if (folder === "") return [pattern];
  const negation = pattern.startsWith("!") ? "!" : "";
  const body = pattern.slice(negation.length);
  const isAnchored = body.trimEnd().slice(0, -1).includes("/");
  const base = folder.replace(/[\\*?[\] !#]/g, "\\$&");
  return [`${negation}/${base}/${isAnchored ? body.replace(/^\//, "") : `**/${body}`}`];
}

function slashed(path: string): string {
  return path.split(sep).join("/");
}
