/**
 * HELMET's way to find the answer in an output: what follows the prefix on its line, or else the first line; a prefix
 * that the model repeats is dropped.
 */
export function parsedAnswer(output: string, prefix: string): string {
  const quoted = prefix.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const found = new RegExp(`${quoted}(.*)`, "i").exec(output) ?? /^(.*)/.exec(output)!;
  return found[1]
    .trim()
    .replace(new RegExp(`^${quoted}`, "i"), "")
    .trim();
}
