// node scripts/docs.js: writes what the docs say from the registries (of dist/, so after a build) between two marks.
//   node scripts/docs.js --check    fails if a file is not what this would write
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const MARKS = ["<!-- techniques -->", "<!-- /techniques -->"];

/** Folder of an axis' pages in docs/techniques, and what the axis decides. Axes with one member have no pages. */
const axes = {
  position: { folder: "position", question: "how far positions reach" },
  prefill: { folder: "prefill", question: "which of the past a prompt's tokens see" },
  "prefill.select": { folder: "select", question: "which tokens of a prompt go on through all layers" },
  decode: { folder: "decode", question: "which of the past a written token sees" },
  "cache.score": { folder: "score", question: "which tokens deserve to be kept" },
  "cache.allocation": { folder: "allocation", question: "how the budget is divided" },
  "cache.schedule": { folder: "schedule", question: "when tokens are dropped" },
  "cache.format": { folder: "format", question: "how pages hold keys and values" },
  speculate: { folder: "speculate", question: "which tokens are guessed, and checked many at once" },
};

/** Files with generated parts, as they should be. techniques: what planTechniques() gives. */
export function generatedDocs(techniques) {
  const known = techniques.filter(({ axis }) => axis in axes);
  return [
    { path: "README.md", text: filled("README.md", overview(known)) },
    { path: "docs/techniques/README.md", text: filled("docs/techniques/README.md", index(known)) },
  ];
}

/** Path of a technique's page below docs/techniques. */
export function pageOf(axis, id) {
  return `${axes[axis].folder}/${id}.md`;
}

/** One row an axis. */
function overview(techniques) {
  const merge = "| `cache.merge` | whether dropped values are merged | [`true`](docs/techniques/merge.md) |";
  const rows = techniques.flatMap(({ axis, members }) => {
    const links = members.map(({ id }) => `[\`${id}\`](docs/techniques/${pageOf(axis, id)})`);
    const row = `| \`${axis}\` | ${axes[axis].question} | ${links.join(" ")} |`;
    return axis === "cache.format" ? [row, merge] : [row];
  });
  return ["| axis | decides | techniques, the default first |", "|---|---|---|", ...rows].join("\n");
}

/** One row a technique. */
function index(techniques) {
  const tables = techniques.map(({ axis, members }) => {
    const rows = members.map(({ id, summary }) => `| [\`${id}\`](${pageOf(axis, id)}) | ${summary} |`);
    return [`## ${axis}: ${axes[axis].question}`, "", "| technique | in short |", "|---|---|", ...rows].join("\n");
  });
  return tables.join("\n\n");
}

function filled(path, content) {
  const text = readFileSync(path, "utf8");
  const [start, end] = MARKS.map((mark) => text.indexOf(mark));
  if (start < 0 || end < start)
    throw new Error(`${path}: expected the lines ${MARKS.join(" and ")}, got none. Put them where the table belongs.`);
  return `${text.slice(0, start + MARKS[0].length)}\n\n${content}\n\n${text.slice(end)}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.chdir(fileURLToPath(new URL("..", import.meta.url)));
  const { planTechniques } = await import("../dist/src/context/plan.js");
  const stale = generatedDocs(planTechniques()).filter(({ path, text }) => readFileSync(path, "utf8") !== text);
  if (process.argv.includes("--check")) {
    for (const { path } of stale)
      console.error(`${path}: is not what the registries say. Run \`node scripts/docs.js\`.`);
    process.exitCode = stale.length > 0 ? 1 : 0;
  } else for (const { path, text } of stale) writeFileSync(path, text);
}
