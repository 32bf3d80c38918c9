/**
 * RULER's scores: do the references occur in the answer, as strings, upper and lower case alike?
 *
 *   all  = references found / references      part = 1 if any is found
 *
 * Source: NVIDIA/RULER, scripts/eval/evaluate.py and scripts/eval/synthetic/constants.py; there of 100, here of 1.
 */

/** What is scored of an output: control characters become line breaks, white space at both ends goes. */
export function postProcess(output: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
  return output.replace(/[\x00-\x1f]/g, "\n").trim();
}

/** Share of the references that occur in the output. */
export function stringMatchAll(output: string, references: readonly string[]): number {
  return share(references, contains(output));
}

/** 1 if any reference occurs in the output, else 0. */
export function stringMatchPart(output: string, references: readonly string[]): number {
  return references.some(contains(output)) ? 1 : 0;
}

/** What goes on with a word: letters, digits, and a hyphen with a letter or digit behind it. */
const before = /(?:[\p{L}\p{N}_]|[\p{L}\p{N}]-)$/u;
const behind = /^(?:[\p{L}\p{N}_]|-[\p{L}\p{N}])/u;

/**
 * Share of the references that occur in the output as words of their own: "art" is not found in "part" or in
 * "state-of-the-art". Stricter than what RULER reports, and free of its accidental hits.
 */
export function wordMatchAll(output: string, references: readonly string[]): number {
  const text = postProcess(output).toLowerCase();
  return share(references, (reference) => {
    const word = reference.toLowerCase();
    for (let at = text.indexOf(word); at >= 0 && at < text.length; at = text.indexOf(word, at + 1)) {
      const end = at + word.length;
      if (!before.test(text.slice(Math.max(0, at - 3), at)) && !behind.test(text.slice(end, end + 3))) return true;
    }
    return false;
  });
}

function contains(output: string): (reference: string) => boolean {
  const text = postProcess(output).toLowerCase();
  return (reference) => text.includes(reference.toLowerCase());
}

function share(references: readonly string[], isFound: (reference: string) => boolean): number {
  return references.filter(isFound).length / references.length;
}
