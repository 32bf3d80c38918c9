/**
 * Classification sets that a user has, in the form their authors publish them:
 * banking77: train.csv of PolyAI-LDN/task-specific-datasets (CC BY 4.0), header `text,category`;
 * clinc150: data_full.json of clinc/oos-eval (CC BY 3.0), `{train: [[text, intent]], test: …, oos_train: …}`;
 * trec: train_5500.label of Li and Roth (2002), lines `COARSE:fine question`.
 */
import { readFileSync } from "node:fs";
import { InputError } from "../../../runtime/errors.ts";
import { type Item, type LabelledTexts, labelledTexts } from "./labelled-text.ts";

export interface UserSet {
  /** NAME of `--data NAME=FILE`. */
  readonly file: string;
  readonly download: string;
  readonly license: string;
  read(path: string): LabelledTexts;
}

export const banking77: UserSet = {
  file: "banking77",
  download: "train.csv from github.com/PolyAI-LDN/task-specific-datasets (banking_data)",
  license: "Data of the user: BANKING77, CC BY 4.0.",
  read(path) {
    const [header, ...rows] = parseCsv(readText(path));
    if (header?.join() !== "text,category")
      throw malformed(path, "a first line text,category", header?.join() ?? "an empty file");
    return labelledTexts(
      path,
      rows.map(({ length, 0: text, 1: label }, i) => {
        if (length !== 2) throw malformed(`${path} row ${i + 2}`, "two columns", `${length}`);
        return { text, label };
      }),
    );
  },
};

export const clinc150: UserSet = {
  file: "clinc150",
  download: "data_full.json from github.com/clinc/oos-eval",
  license: "Data of the user: CLINC150, CC BY 3.0.",
  read(path) {
    let parsed: unknown;
    try {
      parsed = JSON.parse(readText(path));
    } catch (error) {
      throw malformed(path, "JSON", (error as Error).message);
    }
    const parts = parsed as Readonly<Record<string, unknown>>;
    const part = (name: string): Item[] => {
      const pairs = parts[name];
      if (!Array.isArray(pairs)) throw malformed(path, `a list "${name}"`, typeof pairs);
      return pairs.map((pair, i) => {
        const [text, label] = Array.isArray(pair) ? pair : [];
        if (typeof text !== "string" || typeof label !== "string")
          throw malformed(`${path} ${name}[${i}]`, "[text, intent]", JSON.stringify(pair));
        return { text, label };
      });
    };
    // HELMET counts "out of scope" as the 151st label.
    const withOutOfScope = (name: string) => [...part(name), ...(`oos_${name}` in parts ? part(`oos_${name}`) : [])];
    return labelledTexts(path, withOutOfScope("train"), withOutOfScope("test"));
  },
};

function trecSet(labelOf: (coarse: string, fine: string) => string): UserSet {
  return {
    file: "trec",
    download: "train_5500.label from cogcomp.seas.upenn.edu/Data/QA/QC",
    license: "Data of the user: TREC question classes (Li and Roth 2002), no licence stated.",
    read(path) {
      const lines = readText(path).split(/\r?\n/);
      return labelledTexts(
        path,
        lines.flatMap((line, i) => {
          if (line.trim() === "") return [];
          const [, coarse, fine, text] = /^([A-Z]+):(\w+) (.+)$/.exec(line) ?? [];
          if (text === undefined) throw malformed(`${path} line ${i + 1}`, "COARSE:fine question", line.slice(0, 60));
          return [{ text: text.trim(), label: labelOf(coarse, fine) }];
        }),
      );
    },
  };
}

export const trecCoarse = trecSet((coarse) => coarse);
export const trecFine = trecSet((coarse, fine) => `${coarse}:${fine}`);

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw malformed(path, "a readable file", (error as NodeJS.ErrnoException).code ?? String(error));
  }
}

function malformed(where: string, expected: string, got: string): InputError {
  return new InputError(`${where}: expected ${expected}, got ${got}. Pass the file as its authors publish it.`, {
    expected,
    got,
  });
}

/** RFC 4180: quoted fields may hold commas, line ends and doubled quotes. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    if (end === "" && row.length === 0 && !quoted && !plain) break;
    row.push(quoted?.replaceAll('""', '"') ?? plain);
    if (end === ",") continue;
    rows.push(row);
    row = [];
    if (end === "") break;
  }
  return rows;
}
