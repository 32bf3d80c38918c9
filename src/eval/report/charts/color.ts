/**
 * Colours. Scores go from dark to bright on viridis (Smith and van der Walt, matplotlib, CC0), which is read alike by
 * colour-blind people and in grey; beside it the red, yellow and green of Kamradt's needle plots, which are not.
 * Series have colours that stay apart for colour-blind people (after Okabe and Ito), darkened until text in them is legible on white.
 */
import { scaleLinear } from "d3-scale";

const viridis = ["#440154", "#482475", "#414487", "#355f8d", "#2a788e", "#21918c", "#22a884", "#44bf70", "#7ad151"];
const safeStops = [...viridis, "#bddf26", "#fde725"];
const classicStops = ["#f0496e", "#ebb839", "#0cd79f"];

/** Hex colours for a score from 0 to 1, and black or white for text upon them. */
export interface Shade {
  readonly fill: string;
  readonly ink: string;
  readonly classicFill: string;
  readonly classicInk: string;
}

const safeRamp = ramp(safeStops);
const classicRamp = ramp(classicStops);

export function shadeOf(score: number): Shade {
  const fill = safeRamp(score);
  const classicFill = classicRamp(score);
  return { fill, ink: inkOn(fill), classicFill, classicInk: inkOn(classicFill) };
}

/** The light scheme; the page's style sheet replaces them in the dark one, by the class `series-N`. */
export const seriesColors = ["#0067a8", "#b34700", "#007a5a", "#9c3a80", "#7a6000", "#5b4bb5", "#b3261e", "#52606d"];
export const darkSeriesColors = [
  "#5db4f0",
  "#ff9b5c",
  "#3ccfa4",
  "#e08cc8",
  "#d9bd3f",
  "#aba0ff",
  "#ff8a80",
  "#a9b5c1",
];

/** Colour and class of series `index`. */
export function seriesOf(index: number): { readonly color: string; readonly class: string } {
  const at = index % seriesColors.length;
  return { color: seriesColors[at], class: `series-${at}` };
}

/** WCAG 2 contrast of two hex colours, 1 to 21. */
export function contrast(one: string, other: string): number {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

function inkOn(fill: string): string {
  return contrast(fill, "#ffffff") > contrast(fill, "#000000") ? "#ffffff" : "#000000";
}

function ramp(stops: readonly string[]): (value: number) => string {
  const last = stops.length - 1;
  const scale = scaleLinear<number[]>()
    .domain(stops.map((_, i) => i / last))
    .range(stops.map(channels))
    .clamp(true);
  return (value) =>
    `#${scale(value)
      .map((channel) => Math.round(channel).toString(16).padStart(2, "0"))
      .join("")}`;
}

function channels(hex: string): number[] {
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
}

function luminance(hex: string): number {
  const [red, green, blue] = channels(hex).map((channel) => {
    const value = channel / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
