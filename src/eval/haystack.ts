/** Haystacks: the long natural texts in which tasks hide things. Two come with the package; any file can be one. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { readDocuments } from "../documents/read.ts";
import { InputError } from "../runtime/errors.ts";
import { packagePath } from "./data.ts";
import { splitSentences } from "./sentences.ts";
import type { Haystack } from "./types.ts";

/** What scripts/haystacks.js wrote, and whose words they are. */
const builtIn: Readonly<Record<string, string>> = {
  speeches: "public domain (State of the Union addresses, works of the US Government)",
  "moby-dick": "public domain (Herman Melville, Moby-Dick, 1851)",
};
const loaded = new Map<string, Haystack>();
/** Words that are split into sentences together: the segmenter's time grows with the square of the text. */
const WINDOW = 1000;

/** Names that builtInHaystack() knows. */
export const haystackNames: readonly string[] = Object.keys(builtIn);

/** A haystack of a text. White space is collapsed at once; sentences and the hash are found when first asked for. */
export function createHaystack({
  name,
  text,
  license,
}: Pick<Haystack, "name" | "license"> & { text: string }): Haystack {
  const words = text.split(/\s+/).filter((word) => word !== "");
  if (words.length === 0)
    throw new InputError(`haystack "${name}": expected text, got none. Name a file with text in it.`);
  let sentences: readonly string[] | undefined;
  let sha256: string | undefined;
  return {
    name,
    license,
    wordCount: words.length,
    get sentences() {
      sentences ??= sentencesOf(words);
      return sentences;
    },
    get sha256() {
      sha256 ??= createHash("sha256").update(words.join(" ")).digest("hex");
      return sha256;
    },
    words(count, offset = 0) {
      const pieces: string[] = [];
      let start = offset % words.length;
      for (let left = count; left > 0; start = 0) {
        const piece = words.slice(start, start + left);
        pieces.push(piece.join(" "));
        left -= piece.length;
      }
      return pieces.join(" ");
    },
  };
}

/** A haystack that comes with the package; read once a process. */
export function builtInHaystack(name = "speeches"): Haystack {
  const known = loaded.get(name);
  if (known) return known;
  if (!Object.hasOwn(builtIn, name))
    throw new InputError(
      `haystack: expected ${haystackNames.join(" or ")}, got "${name}". Correct the name, or name a file.`,
      { expected: haystackNames, got: name },
    );
  const path = packagePath("build", "haystacks", `${name}.txt.gz`);
  if (!existsSync(path))
    throw new InputError(
      `haystack "${name}": expected ${path}, got no such file. Run \`npm run build\`, or name a file.`,
    );
  const text = gunzipSync(readFileSync(path)).toString("utf8");
  const haystack = createHaystack({ name, text, license: builtIn[name] });
  loaded.set(name, haystack);
  return haystack;
}

/** The haystack that a person names: one of the package's, otherwise a file or folder. */
export async function openHaystack(name = "speeches"): Promise<Haystack> {
  return Object.hasOwn(builtIn, name) || !existsSync(name) ? builtInHaystack(name) : readHaystack(name);
}

/** A haystack of a user's own: a file, or a folder of files in byte order of their paths. */
export async function readHaystack(path: string): Promise<Haystack> {
  const parts = await readDocuments([path]);
  return createHaystack({ name: path, text: parts.map(({ text }) => text).join("\n"), license: "the user's own text" });
}

function sentencesOf(words: readonly string[]): string[] {
  const sentences: string[] = [];
  let size = WINDOW;
  for (let start = 0; start < words.length; ) {
    const pieces = splitSentences(words.slice(start, start + size).join(" "));
    // The last two are left to the next window: where they end may hang on what follows.
    const settled = start + size >= words.length ? pieces : pieces.slice(0, -2);
    size = settled.length === 0 ? 2 * size : WINDOW;
    for (const sentence of settled) start += sentence.split(" ").length;
    sentences.push(...settled);
  }
  return sentences;
}
