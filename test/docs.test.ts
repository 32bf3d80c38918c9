/** The docs against the registries: a page for every technique that says what its schema says, plans that parse, links that lead somewhere. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import type { z } from "zod";
import { cacheAllocations } from "../src/context/cache/allocation/registry.ts";
import { cacheFormats } from "../src/context/cache/format/registry.ts";
import { cacheSchedules } from "../src/context/cache/schedule/registry.ts";
import { cacheScores } from "../src/context/cache/score/registry.ts";
import { checkPlan } from "../src/context/check.ts";
import { decodeMethods } from "../src/context/decode/registry.ts";
import { type Plan, parsePlan, planTechniques } from "../src/context/plan.ts";
import type { PositionMethod } from "../src/context/position/method.ts";
import { positionMethods } from "../src/context/position/registry.ts";
import { prefillMethods } from "../src/context/prefill/registry.ts";
import { tokenSelections } from "../src/context/select/registry.ts";
import { speculations } from "../src/context/speculate/registry.ts";
import { idOf } from "../src/context/technique.ts";

interface DocsScript {
  generatedDocs(techniques: ReturnType<typeof planTechniques>): { path: string; text: string }[];
  pageOf(axis: string, id: string): string;
}
const script = pathToFileURL(resolve("scripts/docs.js")).href;
const { generatedDocs, pageOf }: DocsScript = await import(script);

interface Entry {
  readonly id: string;
  readonly summary: string;
  readonly source: string;
  readonly options: z.ZodObject;
}
interface Page {
  readonly path: string;
  readonly text: string;
  /** Where a plan names it. */
  readonly place: string;
  readonly entry: Entry;
  /** Whether a plan uses the technique. */
  isIn(plan: Plan): boolean;
}

const FOLDER = "docs/techniques";
/** Pages of no entry: the index, and the option that is an axis of its own. */
const OTHERS = ["README.md", "merge.md"];
const MOST_LINES = 60;

const cacheAxes = { score: cacheScores, allocation: cacheAllocations, schedule: cacheSchedules, format: cacheFormats };
const pages: Page[] = [
  ...positionMethods.map((entry) => pageFor("position", entry, ({ position }) => position.method === entry.id)),
  ...prefillMethods.members.map((entry) => pageFor("prefill", entry, ({ prefill }) => prefill.method === entry.id)),
  ...tokenSelections.members.map((entry) =>
    pageFor("prefill.select", entry, ({ prefill }) => (prefill.select?.method ?? "all") === entry.id),
  ),
  ...decodeMethods.members.map((entry) => pageFor("decode", entry, ({ decode }) => decode.method === entry.id)),
  ...Object.entries(cacheAxes).flatMap(([axis, { members }]) =>
    members.map((entry) =>
      pageFor(`cache.${axis}`, entry, ({ cache }) => {
        const choice = cache[axis as keyof typeof cacheAxes];
        return choice !== undefined && idOf(choice) === entry.id;
      }),
    ),
  ),
  ...speculations.members.map((entry) => pageFor("speculate", entry, ({ speculate }) => speculate.method === entry.id)),
];

function pageFor(place: string, entry: Entry, isIn: Page["isIn"]): Page {
  const path = `${FOLDER}/${pageOf(place, entry.id)}`;
  return { path, text: read(path), place, entry, isIn };
}

/** Empty where there is no file, so that the test of pages says so. */
function read(path: string): string {
  return isFile(path) ? readFileSync(path, "utf8") : "";
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

function markdownIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => name.replaceAll("\\", "/"))
    .filter((name) => name.endsWith(".md"));
}

function plansIn(text: string): Plan[] {
  return [...text.matchAll(/```json\n(.*?)```/gs)].map(([, json]) => parsePlan(JSON.parse(json)));
}

test("every technique has a page, and every page a technique", () => {
  const expected = [...pages.map(({ path }) => path.slice(FOLDER.length + 1)), ...OTHERS].sort();
  assert.deepEqual(markdownIn(FOLDER).sort(), expected);
});

test(`pages have at most ${MOST_LINES} lines, and the same parts in the same order`, () => {
  for (const path of [...pages.map(({ path }) => path), `${FOLDER}/merge.md`]) {
    const text = read(path);
    const lines = text.split("\n").length - 1;
    assert.ok(lines <= MOST_LINES, `${path}: ${lines} lines`);
    assert.deepEqual(
      [...text.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading),
      [
        ...["Formula", "Options", "Needs and conflicts", "What differs", "Checked and measured"],
        ...["When not to use it", "Example"],
      ],
      path,
    );
    for (const line of [/^Source: ./m, /^Checked: ./m, /^Measured: ./m]) assert.match(text, line, path);
  }
});

test("a page opens with the registry's id and summary, and names every paper that the technique names", () => {
  for (const { path, text, place, entry } of pages) {
    assert.ok(text.startsWith(`# ${entry.id}\n\n\`${place}\`: ${entry.summary}.\n`), `${path}: ${text.slice(0, 200)}`);
    for (const [paper] of entry.source.matchAll(/\d{4}\.\d{5}/g)) assert.ok(text.includes(paper), `${path}: ${paper}`);
  }
});

test("a page's options are those of the schema, with its defaults", () => {
  for (const { path, text, entry } of pages) {
    const section = text.slice(text.indexOf("## Options"), text.indexOf("## Needs"));
    const rows = [...section.matchAll(/^\| `(\w+)` \| (.*?) \|/gm)].map(([, key, standard]) => ({ key, standard }));
    const { method: _, ...shape } = entry.options.shape;
    assert.deepEqual(
      rows.map(({ key }) => key),
      Object.keys(shape),
      path,
    );
    for (const { key, standard } of rows) {
      const { success, data } = shape[key].safeParse(undefined);
      if (!success) assert.equal(standard, "required", `${path}: ${key}`);
      else if (data === undefined) assert.notEqual(standard, "required", `${path}: ${key}`);
      else assert.equal(standard, `\`${data}\``, `${path}: ${key}`);
    }
  }
});

test("pages of what drops tokens name the position methods that it goes with, and those that it does not", () => {
  const methods: readonly Pick<PositionMethod, "id" | "zones">[] = positionMethods;
  const [plain, zoned] = [false, true].map((isZoned) =>
    methods.flatMap(({ id, zones }) => ((zones !== undefined) === isZoned ? [id] : [])),
  );
  const dropping = pages.filter(
    ({ place, entry }) => /score|allocation|schedule|select/.test(place) && !["keep-all", "all"].includes(entry.id),
  );
  for (const { path, text } of dropping) {
    const [, sound, refused] = /^\* Positions: (.*?)\. Refused with (.*?):/m.exec(text) ?? assert.fail(path);
    const ids = (list: string) => [...list.matchAll(/`([\w-]+)`/g)].map(([, id]) => id);
    assert.deepEqual([ids(sound), ids(refused)], [plain, zoned], path);
  }
});

test("every page has a plan as an example: it parses, uses the technique, and its parts go together", () => {
  const merge: Pick<Page, "path" | "text" | "isIn"> = {
    path: `${FOLDER}/merge.md`,
    text: read(`${FOLDER}/merge.md`),
    isIn: ({ cache }) => "merge" in cache && cache.merge === true,
  };
  for (const { path, text, isIn } of [...pages, merge]) {
    const plans = plansIn(text);
    assert.ok(plans.length > 0, path);
    for (const plan of plans) {
      assert.ok(isIn(plan), `${path}: ${JSON.stringify(plan)}`);
      assert.deepEqual(checkPlan(plan).problems, [], path);
    }
  }
});

test("tables that are generated are what the registries say (node scripts/docs.js)", () => {
  for (const { path, text } of generatedDocs(planTechniques())) assert.equal(readFileSync(path, "utf8"), text, path);
});

test("every relative link of the README and of docs/ leads to a file, and to a heading where it names one", () => {
  const wrong: string[] = [];
  for (const path of ["README.md", ...markdownIn("docs").map((name) => `docs/${name}`)]) {
    const prose = read(path).replaceAll(/^```.*?^```/gms, "");
    for (const [, link] of prose.matchAll(/\]\(([^)\s]+)[^)]*\)/g)) {
      if (/^[a-z]+:/.test(link)) continue;
      const [file, anchor] = link.split("#");
      const target = file ? join(dirname(path), decodeURI(file)) : path;
      const leads = isFile(target) && (anchor === undefined || anchorsOf(target).includes(anchor));
      if (!leads) wrong.push(`${path}: ${link}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test("tests that pages name are there", () => {
  const named = markdownIn(FOLDER).flatMap((name) =>
    [...read(`${FOLDER}/${name}`).matchAll(/`([\w./-]+\.test\.ts)`/g)].map(([, path]) => path),
  );
  assert.ok(named.length > 0);
  assert.deepEqual(
    named.filter((path) => !isFile(path)),
    [],
  );
});

/** As GitHub makes them of headings. */
function anchorsOf(path: string): string[] {
  return [...read(path).matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}
