/** The viewer of single samples: its controls and empty panes; viewer-script.ts fills them in the browser. */
import { element, emptyElement, escapeText, textElement } from "../charts/markup.ts";
import { formatCount } from "../charts/numbers.ts";
import type { NamedRun } from "./runs.ts";
import { chooseSamples, dataElement } from "./samples.ts";
import type { Section } from "./section.ts";
import { showSamples } from "./viewer-script.ts";

export function samplesSection(runs: readonly NamedRun[], most: number): Section {
  const data = chooseSamples(runs, most);
  const total = runs.reduce((sum, { rows }) => sum + rows.length, 0);
  const cut =
    data.samples.length < total
      ? ` The report holds ${formatCount(data.samples.length)} of ${formatCount(total)}; the log of the run has all.`
      : "";
  const controls = element(
    "form",
    { class: "filters", id: "filters" },
    ...(runs.length > 1 ? [choice("run", "Run")] : []),
    choice("task", "Task"),
    choice("length", "Length"),
    choice("verdict", "Score"),
    element(
      "label",
      { class: "search" },
      "Text",
      emptyElement("input", { type: "search", name: "text", placeholder: "question, answer, evidence" }),
    ),
  );
  const panes = element(
    "div",
    { class: "viewer", id: "viewer" },
    element(
      "div",
      { class: "list" },
      textElement("p", { id: "count", role: "status" }, ""),
      element("ol", { id: "list" }),
      textElement("button", { type: "button", id: "more", hidden: true }, "Show more"),
    ),
    element("article", { id: "detail", "aria-live": "polite" }),
  );
  const script = `<script>(${showSamples.toString()})();</script>`;
  const noScript = textElement("noscript", {}, "Single samples are shown by a script, and scripts are off.");
  return {
    id: "samples",
    title: "Samples",
    lead: `Single samples, the worst first.${cut}`,
    content: total === 0 ? "" : noScript + controls + panes + dataElement("sample-data", data) + script,
  };
}

function choice(name: string, label: string): string {
  return element("label", {}, escapeText(label), element("select", { name }));
}
