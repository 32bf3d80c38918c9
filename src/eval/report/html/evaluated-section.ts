/** What was evaluated, how, with which software and where: a column a run. */
import { seriesOf } from "../charts/color.ts";
import { element, escapeText, textElement } from "../charts/markup.ts";
import { formatBytes, formatCount, formatLength, formatPercent, formatSeconds } from "../charts/numbers.ts";
import { distinct, type NamedRun } from "./runs.ts";
import type { Section } from "./section.ts";
import { scrollable } from "./table.ts";

/** Text, or markup where it says so. */
type Value = string | { readonly markup: string };

const rows: readonly (readonly [string, (run: NamedRun) => Value | undefined])[] = [
  ["Prompt mode", ({ info }) => info.mode],
  ["Window", ({ info }) => `${formatCount(info.backend.contextLength)} tokens`],
  ["Plan", ({ info }) => (info.plan === undefined ? undefined : planOf(info.plan))],
  ["Tasks", ({ info }) => info.tasks.map(({ id, version }) => `${id} v${version}`).join(", ")],
  ["Lengths", ({ info }) => info.lengths.map(formatLength).join(", ")],
  ["Samples a cell", ({ info }) => samplesOf(info)],
  ["Seed", ({ info }) => String(info.seed)],
  ["Haystack", ({ info }) => `${info.haystack.name}, SHA-256 ${info.haystack.sha256.slice(0, 12)}`],
  ["Answered", ({ summary: { totals } }) => answered(totals)],
  ["Read", ({ summary: { totals } }) => read(totals)],
  ["Written", ({ summary: { totals } }) => `${formatCount(totals.outputTokens)} tokens`],
  ["Time", ({ summary: { totals } }) => `${formatSeconds(totals.seconds)}, summed over requests`],
  ["Software", ({ info }) => `Longspan ${info.longspan}, Node ${info.machine.node}`],
  ["Machine", ({ info }) => machine(info.machine)],
  ["Started", ({ info }) => info.startedAt],
  ["Run", ({ info }) => info.id],
  ["Fingerprint", ({ info }) => info.backend.fingerprint.slice(0, 24)],
];

export function evaluatedSection(runs: readonly NamedRun[]): Section {
  const names = runs.map((run) => textElement("th", { scope: "col", class: seriesOf(run.series).class }, run.name));
  const body = rows.map(([name, textOf]) => {
    const values = runs.map((run) => element("td", {}, markupOf(textOf(run))));
    return element("tr", {}, textElement("th", { scope: "row" }, name), ...values);
  });
  const head = element("tr", {}, element("td", {}), ...names);
  const table = element("table", { class: "facts" }, element("thead", {}, head), element("tbody", {}, ...body));
  return { id: "evaluated", title: "Setup", content: mixedModes(runs) + scrollable(table) };
}

/** Scores of different modes are never put side by side without a word. */
function mixedModes(runs: readonly NamedRun[]): string {
  const modes = distinct(runs.map(({ info }) => info.mode));
  if (modes.length < 2) return "";
  const text = `These runs reached their models in different prompt modes (${modes.join(", ")}). Their scores are not comparable.`;
  return textElement("p", { class: "warning", role: "note" }, text);
}

function markupOf(value: Value | undefined): string {
  if (value === undefined) return "–";
  return typeof value === "string" ? escapeText(value) : value.markup;
}

function planOf(plan: unknown): Value {
  return { markup: element("pre", {}, textElement("code", {}, JSON.stringify(plan, null, 1))) };
}

function answered({ samples, truncated, fromCache }: NamedRun["summary"]["totals"]): string {
  const parts = [`${formatCount(samples)} samples`];
  if (truncated > 0) parts.push(`${formatCount(truncated)} more with a cut prompt, not counted`);
  if (fromCache > 0) parts.push(`${formatCount(fromCache)} of them from earlier runs`);
  return parts.join("; ");
}

function read({ promptTokens, cachedTokens }: NamedRun["summary"]["totals"]): string {
  const text = `${formatCount(promptTokens)} tokens`;
  return cachedTokens === 0 ? text : `${text}, ${formatPercent(cachedTokens / promptTokens)} of them shared prefixes`;
}

export function machine({ cpu, cores, memoryBytes }: NamedRun["info"]["machine"]): string {
  return `${cpu}, ${cores} ${cores === 1 ? "core" : "cores"}, ${formatBytes(memoryBytes)}`;
}

/** One number where all lengths have it, else each with its length. */
function samplesOf({ samples }: NamedRun["info"]): string {
  const counts = Object.entries(samples);
  if (new Set(Object.values(samples)).size === 1) return formatCount(counts[0][1]);
  return counts.map(([length, count]) => `${formatCount(count)} at ${formatLength(Number(length))}`).join(", ");
}
