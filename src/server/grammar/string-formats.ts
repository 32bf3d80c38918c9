/**
 * JSON Schema's formats of strings that are enforced, as grammars (XGrammar's EBNF); others are annotations. Alternatives
 * never begin alike: see grammar-rules.ts.
 */
const upTo30 = `("0" [1-9] | [12] [0-9] | "30")`;
const upTo31 = `("0" [1-9] | [12] [0-9] | "3" [01])`;
const february = `("0" [1-9] | "1" [0-9] | "2" [0-8])`;
const date = `[0-9]{4} "-" ("0" ([13578] "-" ${upTo31} | [469] "-" ${upTo30} | "2-" ${february}) | "1" ([02] "-" ${upTo31} | "1-" ${upTo30}))`;
const time = `([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9] ":" [0-5] [0-9]`;
const zone = `("." [0-9]{1,6})? ("Z" | [+\\-] ([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9])`;
const byte = `("0" | "1" ([0-9] [0-9]?)? | "2" ([0-4] [0-9]? | "5" [0-5]? | [6-9])? | [3-9] [0-9]?)`;
const hex = "[0-9a-f]";

export const stringFormats: Readonly<Record<string, string | undefined>> = {
  date,
  time: `${time} ${zone}`,
  "date-time": `${date} "T" ${time} ${zone}`,
  email: `[a-zA-Z0-9_+-]{1,30} ("." [a-zA-Z0-9_+-]{1,30}){0,3} "@" [a-zA-Z0-9]{1,30} ("." [a-zA-Z0-9]{1,30}){0,2} "." [a-zA-Z]{2,10}`,
  ipv4: `${byte} "." ${byte} "." ${byte} "." ${byte}`,
  uuid: `${hex}{8} "-" ${hex}{4} "-" [1-8] ${hex}{3} "-" [89ab] ${hex}{3} "-" ${hex}{12}`,
};
