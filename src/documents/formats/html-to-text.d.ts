/** The part of html-to-text 10 that we use; it comes without types. */
declare module "html-to-text" {
  interface Selector {
    selector: string;
    format?: string;
    options?: Record<string, unknown>;
  }
  export function compile(options: {
    wordwrap?: number | null;
    limits?: { maxInputLength?: number };
    selectors?: Selector[];
  }): (html: string) => string;
}
