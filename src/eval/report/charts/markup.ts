/** Elements as strings, for HTML and SVG alike: everything is escaped, every element is closed, no DOM is needed. */

export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** Text that stands for itself between tags and in quoted attributes. Control characters, which HTML forbids, show as U+FFFD. */
export function escapeText(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must go.
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, "\ufffd")
      .replace(/&/g, "&amp;")
      .replace(/</g, "&lt;")
      .replace(/>/g, "&gt;")
      .replace(/"/g, "&quot;")
  );
}

/** `children` are markup. `undefined` and `false` leave an attribute out, `true` gives it no value; numbers keep two decimals. */
export function element(name: string, attributes: Attributes, ...children: readonly string[]): string {
  return `${opening(name, attributes)}${children.join("")}</${name}>`;
}

/** An HTML element that has no content: meta, input, br. */
export function emptyElement(name: string, attributes: Attributes): string {
  return opening(name, attributes);
}

/** An element around plain text. */
export function textElement(name: string, attributes: Attributes, text: string | number): string {
  return element(name, attributes, escapeText(String(text)));
}

/** An SVG image that says in words what it shows. It scales down with its container, never up. */
export function drawing(width: number, height: number, label: string, ...children: readonly string[]): string {
  const size = { viewBox: `0 0 ${round(width)} ${round(height)}`, width: round(width), height: round(height) };
  const type = { "font-family": "system-ui, sans-serif", "font-size": 12, fill: "currentColor" };
  return element(
    "svg",
    { xmlns: "http://www.w3.org/2000/svg", role: "img", "aria-label": label, class: "chart", ...size, ...type },
    ...children,
  );
}

export function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function opening(name: string, attributes: Attributes): string {
  let markup = `<${name}`;
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (value === true) markup += ` ${key}`;
    else markup += ` ${key}="${typeof value === "number" ? round(value) : escapeText(value)}"`;
  }
  return `${markup}>`;
}
