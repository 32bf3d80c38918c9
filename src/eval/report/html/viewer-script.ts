/**
 * The script of the sample viewer. `showSamples` goes into the page as its source text, so it may use nothing from outside
 * of itself but the browser. It builds nodes and sets their text, and never parses markup: answers are not to be trusted.
 */
import type { SampleData, ViewedSample } from "./samples.ts";

export function showSamples(): void {
  const PAGE = 100;
  const byId = (id: string) => document.getElementById(id)!;
  const data = JSON.parse(byId("sample-data").textContent ?? "") as SampleData;
  const filters = byId("filters") as HTMLFormElement;
  const list = byId("list");
  const detail = byId("detail");
  const more = byId("more");
  let matching: ViewedSample[] = [];
  let shown = 0;

  function node(name: string, className: string, ...children: (string | Node)[]): HTMLElement {
    const made = document.createElement(name);
    if (className !== "") made.className = className;
    made.append(...children);
    return made;
  }

  const percent = (score: number) => String(Math.round(1000 * score) / 10);
  const kilo = (tokens: number) => (tokens % 1024 === 0 ? `${tokens / 1024}K` : String(tokens));
  const isFull = (score: number) => score > 1 - 1e-9;
  const verdictOf = ({ score, truncated }: ViewedSample) =>
    truncated ? "cut" : isFull(score) ? "right" : score > 0 ? "partly" : "wrong";

  function fill(name: string, options: readonly (readonly [string, string])[]): void {
    const select = filters.elements.namedItem(name) as HTMLSelectElement | null;
    select?.append(...options.map(([value, text]) => new Option(text, value)));
  }

  function distinct<T>(values: readonly T[]): T[] {
    return [...new Set(values)];
  }

  fill("run", [["", "all"], ...data.runs.map((name, i) => [String(i), name] as const)]);
  fill("task", [
    ["", "all"],
    ...distinct(data.samples.map(({ task }) => task))
      .sort()
      .map((task) => [task, task] as const),
  ]);
  fill("length", [
    ["", "all"],
    ...distinct(data.samples.map(({ length }) => length))
      .sort((a, b) => a - b)
      .map((length) => [String(length), kilo(length)] as const),
  ]);
  fill("verdict", [
    ["", "all"],
    ["wrong", "wrong (0)"],
    ["partly", "partly"],
    ["right", "right (100)"],
    ["cut", "prompt was cut"],
  ]);

  function textOf({ question, output, references, evidence }: ViewedSample): string {
    return [question, output, ...references, ...evidence.map(({ needle }) => needle)].join("\n").toLowerCase();
  }

  function filter(): void {
    const wanted = new FormData(filters);
    const of = (name: string) => String(wanted.get(name) ?? "");
    const text = of("text").toLowerCase();
    matching = data.samples.filter(
      (sample) =>
        (of("run") === "" || String(sample.run) === of("run")) &&
        (of("task") === "" || sample.task === of("task")) &&
        (of("length") === "" || String(sample.length) === of("length")) &&
        (of("verdict") === "" || verdictOf(sample) === of("verdict")) &&
        (text === "" || textOf(sample).includes(text)),
    );
    byId("count").textContent = `${matching.length} of ${data.samples.length} samples`;
    list.replaceChildren();
    shown = 0;
    showMore();
    if (matching.length > 0) select(matching[0], list.querySelector("button")!);
    else detail.replaceChildren(node("p", "muted", "No sample matches."));
  }

  function showMore(): void {
    const page = matching.slice(shown, shown + PAGE);
    for (const sample of page) {
      const button = node(
        "button",
        "",
        node("span", `mark ${verdictOf(sample)}`, sample.truncated ? "cut" : percent(sample.score)),
        node("span", "name", sample.task),
        node("span", "where", `${kilo(sample.length)} #${sample.index}`),
      );
      button.setAttribute("type", "button");
      button.addEventListener("click", () => select(sample, button));
      list.append(node("li", "", button));
    }
    shown += page.length;
    more.hidden = shown >= matching.length;
  }

  function select(sample: ViewedSample, button: Element): void {
    list.querySelector("[aria-current]")?.removeAttribute("aria-current");
    button.setAttribute("aria-current", "true");
    detail.replaceChildren(...describe(sample));
    detail.scrollTop = 0;
  }

  function describe(sample: ViewedSample): Node[] {
    const { task, length, index, run, evidence, question, references, output, answerPrefix } = sample;
    const name = data.runs.length > 1 ? [node("p", `run series-${run % 8}`, data.runs[run])] : [];
    const given = node(
      "pre",
      "given",
      node("span", "prefix", (answerPrefix ?? "").trimStart()),
      ...marked(output, references),
    );
    const expected = references.map((reference) => node("pre", "", reference));
    return [
      node("h3", "", `${task} at ${kilo(length)}, sample ${index}`),
      ...name,
      ...part("Question", node("pre", "", question.trim())),
      ...part("Answer", given),
      ...part(references.length > 1 ? `Expected, ${references.length} references` : "Expected", ...expected),
      ...(evidence.length > 0 ? part("In the context", placeBar(sample), ...evidence.map(excerpt)) : []),
      ...part("Figures", figures(sample)),
    ];
  }

  function part(title: string, ...content: Node[]): Node[] {
    return [node("h4", "", title), ...content];
  }

  /** The answer, with every reference in it marked. */
  function marked(text: string, references: readonly string[]): (string | Node)[] {
    if (text === "") return [node("em", "muted", "(nothing)")];
    const wanted = references.filter((reference) => reference !== "").map((reference) => reference.toLowerCase());
    const lower = text.toLowerCase();
    // Lower case may be longer in some scripts; places would then be wrong.
    if (lower.length !== text.length) return [text];
    const pieces: (string | Node)[] = [];
    let at = 0;
    while (at < text.length) {
      const found = wanted
        .map((reference) => ({ start: lower.indexOf(reference, at), length: reference.length }))
        .filter(({ start }) => start >= 0)
        .sort((a, b) => a.start - b.start || b.length - a.length)[0];
      if (!found) break;
      pieces.push(
        text.slice(at, found.start),
        node("mark", "hit", text.slice(found.start, found.start + found.length)),
      );
      at = found.start + found.length;
    }
    return [...pieces, text.slice(at)];
  }

  function placeBar({ evidence }: ViewedSample): Node {
    const bar = node("div", "bar");
    const places = evidence.map(({ depth }) => `${Math.round(100 * depth)}%`);
    bar.setAttribute("role", "img");
    bar.setAttribute("aria-label", `Needles at ${places.join(", ")} of the context`);
    for (const { depth } of evidence) {
      const tick = node("i", "");
      tick.style.left = `${100 * depth}%`;
      bar.append(tick);
    }
    return node("div", "place", node("small", "", "beginning"), bar, node("small", "", "end"));
  }

  function excerpt({ before, needle, after, depth }: ViewedSample["evidence"][number]): Node {
    const place = node("small", "muted", `at ${Math.round(100 * depth)}%`);
    return node("blockquote", "", place, `… ${before}`, node("mark", "", needle), `${after} …`);
  }

  function figures(sample: ViewedSample): Node {
    const { usage, scores, facts = {}, promptTokens, maxTokens, finish, attempts } = sample;
    const seconds = (value: number | undefined) => (value === undefined ? undefined : `${value.toFixed(2)} s`);
    const entries: [string, string | undefined][] = [
      ["score", percent(sample.score)],
      ...Object.entries(scores)
        .filter(([name]) => name !== "score")
        .map(([name, value]): [string, string] => [name, String(Number(value.toFixed(3)))]),
      ...Object.entries(facts).map(([name, value]): [string, string] => [name, String(value)]),
      ["prompt tokens", String(promptTokens)],
      ["read before", usage.cachedTokens > 0 ? `${usage.cachedTokens} tokens` : undefined],
      ["answer tokens", `${usage.outputTokens} of at most ${maxTokens}`],
      ["ended by", finish === "length" ? "its limit of tokens" : "itself"],
      ["time", seconds(usage.seconds)],
      ["prefill", seconds(usage.prefillSeconds)],
      ["decode", seconds(usage.decodeSeconds)],
      ["tries", attempts > 1 ? String(attempts) : undefined],
      ["prompt", sample.truncated ? "cut by the server: does not count" : undefined],
      ["answer", sample.fromCache ? "from an earlier run" : undefined],
    ];
    const known = entries.filter(([, value]) => value !== undefined);
    return node(
      "dl",
      "",
      ...known.map(([name, value]) => node("div", "", node("dt", "", name), node("dd", "", value!))),
    );
  }

  list.addEventListener("keydown", (event) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    const buttons = [...list.querySelectorAll("button")];
    const next = buttons[buttons.indexOf(document.activeElement as HTMLButtonElement) + step];
    if (step === 0 || !next) return;
    event.preventDefault();
    next.focus();
    next.click();
  });
  more.addEventListener("click", showMore);
  filters.addEventListener("input", filter);
  filters.addEventListener("submit", (event) => event.preventDefault());
  filter();
}
