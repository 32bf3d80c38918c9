/** A part of the page: what it is called, one sentence on how to read it, and its content. */
import { element, escapeText, textElement } from "../charts/markup.ts";

export interface Section {
  readonly id: string;
  readonly title: string;
  /** Markup; "" leaves the section out. */
  readonly content: string;
  /** Plain text. */
  readonly lead?: string;
}

export function renderSection({ id, title, content, lead }: Section): string {
  const heading = textElement("h2", { id: `${id}-title` }, title);
  const intro = lead === undefined ? "" : textElement("p", { class: "lead" }, lead);
  return element("section", { id, "aria-labelledby": `${id}-title` }, heading, intro, content);
}

/** A drawing with its caption above. */
export function figure(caption: string, drawing: string, note?: string): string {
  const small = note === undefined ? "" : textElement("small", {}, note);
  return element("figure", {}, element("figcaption", {}, escapeText(caption), small), drawing);
}

/** Figures beside each other as room allows. */
export function grid(figures: readonly string[], size: "small" | "large" = "large"): string {
  return figures.length === 0 ? "" : element("div", { class: `grid ${size}` }, ...figures);
}

/** A heading above parts that exist more than once. */
export function titled(title: string | undefined, content: string): string {
  if (content === "" || title === undefined) return content;
  return textElement("h3", {}, title) + content;
}
