/**
 * Whole lines of a repository around a place, so that the place stands at a chosen depth.
 * RepoQA takes files before the needle from their top and leaves a gap; here the lines are contiguous, the first one
 * always names its file, and where the repository ends it goes on at its beginning, so that every depth can be had.
 */
import { InputError } from "../../../runtime/errors.ts";
import { costOf, filled } from "../../fill.ts";
import type { Cell, Draft } from "../../types.ts";
import { pathLine, type Repository } from "./repository.ts";

/** Lines of the repository, `last` included. */
export interface Place {
  readonly first: number;
  readonly last: number;
  /** Lines directly before the place that are left out: a comment that would give it away. */
  readonly hidden?: number;
}

export interface Window {
  readonly code: string;
  /** Where the first line of the place begins in `code`. */
  readonly start: number;
}

/** `units` lines around `place`, of which the part `depth` (in characters) stands before it. */
export function windowAround(
  { lines, fileOfLine }: Repository,
  { first, last, hidden = 0 }: Place,
  units: number,
  depth: number,
): Window {
  const at = (line: number) => (line + lines.length) % lines.length;
  const before: string[] = [];
  const after: string[] = [];
  let charsBefore = 0;
  let charsAfter = 0;
  for (let unit = 0; unit < units; unit++) {
    // A line more never moves another, so more units are always more text.
    if (charsBefore * (1 - depth) < charsAfter * depth) {
      const line = lines[at(first - hidden - 1 - before.length)];
      before.push(line);
      charsBefore += line.length + 1;
    } else {
      const line = lines[at(last + 1 + after.length)];
      after.push(line);
      charsAfter += line.length + 1;
    }
  }
  const opening = at(before.length === 0 ? first : first - hidden - before.length);
  const title = pathLine(fileOfLine[opening].path);
  if (lines[opening] !== title) before.push(title);
  const head = before.reverse().map((line) => `${line}\n`);
  const code = `${head.join("")}${[...lines.slice(first, last + 1), ...after].join("\n")}\n`;
  return { code, start: head.reduce((sum, line) => sum + line.length, 0) };
}

/** Where a piece of a file stands in the repository. */
export function placeOf(repository: Repository, fileIndex: number, start: number, end: number): Place {
  const { text, firstLine } = repository.files[fileIndex];
  const lineAt = (offset: number) => firstLine + text.slice(0, offset).split("\n").length - 1;
  return { first: lineAt(start), last: lineAt(end) };
}

/** Seven depths, from 1/14 to 13/14, in turn. */
export function depthOf(index: number): number {
  return ((index % 7) + 0.5) / 7;
}

/** `filled` for samples that are known by their index: what to build of them, and the most lines there are. */
export function filledFromRepository(
  cell: Cell,
  build: (index: number, units: number) => Draft,
  most: (index: number) => number,
): (index: number) => Draft {
  return (index) => {
    const limit = most(index);
    const draft = filled(cell, (units) => build(index, units), { most: limit })(index);
    const cost = costOf(cell, draft);
    if (cost < cell.length * 0.99 && costOf(cell, build(index, limit)) <= cell.length)
      throw new InputError(
        `--data repo: expected a repository of at least ${cell.length} tokens, got about ${cost}. Pass --data repo=FOLDER with a larger one, or --lengths ${cost} or less.`,
        { expected: cell.length, got: cost },
      );
    return draft;
  };
}
