/** Contexts as people name them: by how their keys begin. */
import type { Context } from "../../hub/contexts.ts";
import { InputError } from "../../runtime/errors.ts";

/** Of a key, where it is shown. */
export const SHOWN_DIGITS = 12;

/** The one context whose key begins with the prefix. Throws InputError, in the name of `where`, if there is none or more than one. */
export function findContext(prefix: string, contexts: readonly Context[], where = "cache drop"): Context {
  const found = /^[0-9a-f]+$/i.test(prefix) ? contexts.filter(({ key }) => key.startsWith(prefix.toLowerCase())) : [];
  if (found.length === 1) return found[0];
  if (found.length === 0)
    throw new InputError(
      `${where}: expected how the key of a context begins, got "${prefix}", which no key does. See the keys with: longspan cache list`,
      { got: prefix },
    );
  const keys = found.slice(0, 3).map(({ key }) => key.slice(0, Math.max(SHOWN_DIGITS, prefix.length + 2)));
  throw new InputError(
    `${where}: expected how one key begins, got "${prefix}", which ${found.length} do (${keys.join(", ")}${found.length > 3 ? ", …" : ""}). Give more digits.`,
    { got: prefix },
  );
}

/** A model's name as another machine wrote it, without what a terminal would obey. */
export function printable(name: string): string {
  return name.replace(/\p{Cc}/gu, "\ufffd");
}
