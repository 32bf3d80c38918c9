/** Prompt templates are data with {places} in them. */

/** Puts values into the places of a template; what they contain is left alone. A place without a value is our own bug. */
export function fillIn(template: string, values: Readonly<Record<string, string | number>>): string {
  return template.replace(/\{(\w+)\}/g, (_, name) => {
    if (!Object.hasOwn(values, name)) throw new Error(`template: no value for {${name}} in "${template}"`);
    return String(values[name]);
  });
}
