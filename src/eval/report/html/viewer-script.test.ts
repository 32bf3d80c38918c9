/** The viewer's script, taken out of a page and run alone against a small stand-in for the browser. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { runInNewContext } from "node:vm";
import { madeUpRun } from "../../../../test/support/evaluation-runs.ts";
import { htmlReport } from "./index.ts";

/** As much of an element as the script uses. */
class StandIn {
  name: string;
  className = "";
  hidden = false;
  style: Record<string, string> = {};
  children: (StandIn | string)[] = [];
  attributes = new Map<string, string>();
  listeners = new Map<string, (event: unknown) => void>();
  fields = new Map<string, StandIn>();
  value = "";
  elements = { namedItem: (name: string) => this.fields.get(name) ?? null };

  constructor(name: string) {
    this.name = name;
  }
  get textContent(): string {
    return this.children.map((child) => (typeof child === "string" ? child : child.textContent)).join("");
  }
  set textContent(text: string) {
    this.children = [text];
  }
  append(...children: (StandIn | string)[]): void {
    this.children.push(...children);
  }
  replaceChildren(...children: (StandIn | string)[]): void {
    this.children = children;
  }
  setAttribute(name: string, value: string): void {
    this.attributes.set(name, value);
  }
  removeAttribute(name: string): void {
    this.attributes.delete(name);
  }
  addEventListener(type: string, listener: (event: unknown) => void): void {
    this.listeners.set(type, listener);
  }
  all(): StandIn[] {
    return this.children.flatMap((child) => (typeof child === "string" ? [] : [child, ...child.all()]));
  }
  querySelectorAll(selector: string): StandIn[] {
    return this.all().filter((node) =>
      selector === "[aria-current]" ? node.attributes.has("aria-current") : node.name === selector,
    );
  }
  querySelector(selector: string): StandIn | null {
    return this.querySelectorAll(selector)[0] ?? null;
  }
}

function open(html: string) {
  const byId = new Map(["filters", "list", "detail", "more", "count"].map((id) => [id, new StandIn(id)]));
  const data = new StandIn("script");
  data.textContent = html.match(/id="sample-data">(.*?)<\/script>/s)![1];
  byId.set("sample-data", data);
  const filters = byId.get("filters")!;
  for (const name of ["run", "task", "length", "verdict", "text"]) filters.fields.set(name, new StandIn(name));
  const script = html.match(/<script>(\(function showSamples.*?)<\/script>/s)![1];
  runInNewContext(script, {
    document: { getElementById: (id: string) => byId.get(id), createElement: (name: string) => new StandIn(name) },
    FormData: class {
      get = (name: string) => filters.fields.get(name)!.value;
    },
    Option: class extends StandIn {
      constructor(text: string, value: string) {
        super("option");
        this.textContent = text;
        this.value = value;
      }
    },
  });
  const set = (name: string, value: string) => {
    filters.fields.get(name)!.value = value;
    filters.listeners.get("input")!({});
  };
  return { get: (id: string) => byId.get(id)!, filters, set };
}

const run = madeUpRun({ samples: 4, lengths: [1024, 2048, 4096, 8192] });
const page = htmlReport([run]);

test("the script needs nothing from outside of itself; it lists 100 samples, then more, and shows the first", () => {
  const { get } = open(page);
  assert.equal(get("count").textContent, "128 of 128 samples");
  assert.equal(get("list").querySelectorAll("button").length, 100);
  assert.equal(get("more").hidden, false);
  get("more").listeners.get("click")!({});
  assert.equal(get("list").querySelectorAll("button").length, 128);
  assert.equal(get("more").hidden, true);
  assert.match(get("detail").textContent, /Question.*Answer.*Expected.*Figures/s);
  assert.equal(get("list").querySelectorAll("[aria-current]").length, 1);
});

test("filters by task, length, score and text narrow the list to what matches", () => {
  const { get, set } = open(page);
  const count = () => Number(get("count").textContent.split(" ")[0]);
  const expect = (matches: (row: (typeof run.rows)[number]) => boolean) =>
    assert.equal(count(), run.rows.filter(matches).length);
  set("task", "vt");
  expect((row) => row.task === "vt");
  set("length", "2048");
  expect((row) => row.task === "vt" && row.length === 2048);
  set("verdict", "partly");
  expect((row) => row.task === "vt" && row.length === 2048 && row.score > 0 && row.score < 1);
  set("task", "");
  set("length", "");
  set("verdict", "");
  const [row] = run.rows;
  set("text", row.references[0]);
  assert.ok(count() >= 1);
  assert.ok(get("detail").textContent.includes(row.references[0]));
  set("text", "no such text");
  assert.equal(get("detail").textContent, "No sample matches.");
});

test("the needle is marked in its excerpt, stands at its place on the bar, and right answers are marked", () => {
  const { get, set } = open(page);
  set("task", "needle");
  set("verdict", "right");
  const shown = get("detail");
  const marks = shown.querySelectorAll("mark").map((mark) => mark.textContent);
  const row = run.rows.find((row) => row.task === "needle" && row.evidence[0].needle === marks[1])!;
  assert.equal(marks[0], row.references[0]);
  assert.deepEqual(
    shown.querySelectorAll("i").map((tick) => tick.style.left),
    [`${100 * row.evidence[0].depth}%`],
  );
});
