/**
 * One run, or several side by side, as one HTML file that needs nothing else: styles, drawings, data and the viewer's
 * script are inside, and its own policy forbids the browser to fetch anything. The same input gives the same bytes.
 */
import { InputError } from "../../../runtime/errors.ts";
import type { Comparison } from "../../summary/types.ts";
import { seriesOf } from "../charts/color.ts";
import { element, emptyElement, textElement } from "../charts/markup.ts";
import { formatCount } from "../charts/numbers.ts";
import { comparisonSection } from "./comparison-section.ts";
import { costSection } from "./cost-section.ts";
import { curvesSection } from "./curves-section.ts";
import { depthSection } from "./depth-section.ts";
import { evaluatedSection, machine } from "./evaluated-section.ts";
import { notesSection } from "./notes-section.ts";
import { distinct, type NamedRun, nameRuns, type ReportRun, titleOf } from "./runs.ts";
import { samplesSection } from "./samples-section.ts";
import { scoresSection } from "./scores-section.ts";
import { renderSection } from "./section.ts";
import { pageStyle } from "./style.ts";
import { summarySection } from "./summary-section.ts";
import { viewerStyle } from "./viewer-style.ts";

export type { ReportRun } from "./runs.ts";

export interface HtmlReportOptions {
  /** Default: what was evaluated. */
  readonly title?: string;
  /** Most samples to put into the viewer, the worst first. Default 2,000. */
  readonly maxSamples?: number;
}

const policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/** `comparison` is of the second run against the first. */
export function htmlReport(
  runs: readonly ReportRun[],
  { title, maxSamples = 2000 }: HtmlReportOptions = {},
  comparison?: Comparison,
): string {
  if (runs.length === 0) throw new InputError("report: expected at least one run, got none. Name a run's folder.");
  if (comparison && runs.length !== 2)
    throw new InputError(
      `report: expected two runs for a comparison, got ${runs.length}. Pass two runs, or no comparison.`,
      { expected: 2, got: runs.length },
    );
  const named = nameRuns(runs);
  const sections = [
    summarySection(named),
    ...(comparison ? [comparisonSection(named, comparison)] : []),
    scoresSection(named),
    curvesSection(named),
    depthSection(named),
    costSection(named),
    notesSection(named),
    samplesSection(named, maxSamples),
    evaluatedSection(named),
  ].filter(({ content }) => content !== "");

  const heading = title ?? titleOf(named);
  const links = sections.map(({ id, title: text }) => textElement("a", { href: `#${id}` }, text));
  const toggle = element(
    "label",
    { class: "toggle" },
    emptyElement("input", { type: "checkbox", id: "classic" }),
    "red to green",
  );
  const head = element(
    "head",
    {},
    emptyElement("meta", { charset: "utf-8" }),
    emptyElement("meta", { "http-equiv": "Content-Security-Policy", content: policy }),
    emptyElement("meta", { name: "viewport", content: "width=device-width, initial-scale=1" }),
    textElement("title", {}, heading),
    `<style>${pageStyle}${viewerStyle}</style>`,
  );
  const body = element(
    "body",
    {},
    element(
      "header",
      {},
      textElement("p", { class: "eyebrow" }, "Long-context evaluation"),
      textElement("h1", {}, heading),
      subtitle(named),
    ),
    element("nav", { "aria-label": "Contents" }, ...links, toggle),
    element("main", {}, ...sections.map(renderSection)),
    element("footer", {}, textElement("p", {}, `Made by Longspan ${named[0].info.longspan}`)),
  );
  return `<!doctype html>\n${element("html", { lang: "en" }, head, body)}\n`;
}

/** A line a run, with its colour where there are several; then the software and the machines. */
function subtitle(runs: readonly NamedRun[]): string {
  const lines = runs.map(({ name, series, info, summary }) => {
    const families = summary.families.map(({ family }) => family).join(", ");
    const text = `${families} · ${formatCount(summary.totals.samples)} samples · mode ${info.mode} · seed ${info.seed}`;
    const key = runs.length > 1 ? textElement("b", { class: `key ${seriesOf(series).class}` }, name) : "";
    return element("p", { class: "subtitle" }, key, textElement("span", {}, text));
  });
  const places = distinct(
    runs.map(({ info }) => `Longspan ${info.longspan} · ${machine(info.machine)} · ${info.startedAt.slice(0, 10)}`),
  );
  return [...lines, ...places.map((place) => textElement("p", { class: "where" }, place))].join("");
}
