/** The headline: how long the context really is, in three definitions, for every run. */
import type { EffectiveLength } from "../../summary/types.ts";
import { seriesOf } from "../charts/color.ts";
import { element, textElement } from "../charts/markup.ts";
import { formatLength, formatRoughLength, formatScore } from "../charts/numbers.ts";
import { findFamily, type NamedRun } from "./runs.ts";
import { scrollable } from "./table.ts";

const rules = ["absolute", "relative", "statistical"] as const;

const meanings: Record<EffectiveLength["rule"], string> = {
  absolute: "mean score at least 85.6",
  relative: "at least 85% of its own score at short lengths",
  statistical: "surely at least 85% of it (lower end of the interval)",
};

/** A table with a row a run; "" where no length has all tasks of the family. */
export function effectiveLengthTable(runs: readonly NamedRun[], family: string): string {
  const rows = runs.flatMap((run) => {
    const found = findFamily(run, family);
    if (!found || found.effectiveLengths.length === 0) return [];
    const lengths = found.macros.filter(({ missing }) => missing.length === 0).map(({ length }) => length);
    const cells = rules.map((rule) =>
      cellOf(
        found.effectiveLengths.find((entry) => entry.rule === rule),
        lengths,
      ),
    );
    const area = element("td", {}, big(found.areaScore === undefined ? "–" : formatScore(found.areaScore)));
    const name = textElement("th", { scope: "row", class: seriesOf(run.series).class }, run.name);
    return [element("tr", {}, name, ...cells, area)];
  });
  if (rows.length === 0) return "";
  const heads = rules.map((rule) => headOf(rule, meanings[rule]));
  const head = element("tr", {}, element("td", {}), ...heads, headOf("area", "mean score over log length"));
  const caption = textElement(
    "caption",
    {},
    "Effective context length: the longest at which this and all shorter ones hold",
  );
  return scrollable(
    element("table", { class: "headline" }, caption, element("thead", {}, head), element("tbody", {}, ...rows)),
  );
}

function cellOf(effective: EffectiveLength | undefined, lengths: readonly number[]): string {
  if (!effective) return element("td", {}, "–");
  return element(
    "td",
    {},
    big(effectiveText(effective, lengths)),
    textElement("small", {}, boundsText(effective, lengths)),
    textElement("small", {}, `threshold ${formatScore(effective.threshold)}`),
  );
}

/** 5.3K; ≥ 8K where nothing tested failed; < 2K where the shortest did. */
export function effectiveText(effective: EffectiveLength, lengths: readonly number[]): string {
  if (effective.tested === undefined) return `< ${formatLength(lengths[0])}`;
  if (effective.open) return `≥ ${formatLength(effective.tested)}`;
  return formatRoughLength(effective.interpolated ?? effective.tested);
}

function boundsText({ interval }: EffectiveLength, lengths: readonly number[]): string {
  if (!interval) return "";
  const low = interval.low === undefined ? `< ${formatLength(lengths[0])}` : formatRoughLength(interval.low);
  const high =
    interval.high === undefined ? `> ${formatLength(lengths[lengths.length - 1])}` : formatRoughLength(interval.high);
  return `95%: ${low} to ${high}`;
}

function headOf(name: string, meaning: string): string {
  return element("th", { scope: "col" }, textElement("span", {}, name), textElement("small", {}, meaning));
}

function big(text: string): string {
  return textElement("span", { class: "big" }, text);
}
