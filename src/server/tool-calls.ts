/**
 * Reads calls of tools out of an answer while it is written, in the form of Hermes and Qwen:
 *
 *   text <tool_call>\n{"name": "f", "arguments": {…}}\n</tool_call>
 *
 * What may be markup is held back; a block that is no call is text. White space around calls is nobody's. Small models, above all
 * those for code, often leave the marks out: an answer that begins with such an object, bare or in a fence of ``` marks, and with
 * the name of a tool there is, is a call as well.
 */
import { randomUUID } from "node:crypto";
import type { AnswerPiece } from "./completion.ts";

export const CALL_BEGIN = "<tool_call>";
export const CALL_END = "</tool_call>";

const fences = ["", "```", "```json"];
const BARE_END = "}```";

/** The usual order, which lets arguments be sent as they come. */
const head = /^\s*\{\s*"name"\s*:\s*("(?:[^"\\]|\\.)+")\s*,\s*"arguments"\s*:\s*(?=\{)/;

type Place = "begin" | "text" | "call" | "arguments" | "after" | "afterBare";

export interface ToolCallOptions {
  /** Of tools that may be called without marks. */
  readonly names: readonly string[];
  /** Calls without marks after the first are text. */
  readonly isOne: boolean;
}

export class ToolCallReader {
  /** Calls whose arguments have come to their end. */
  complete = 0;
  private calls = 0;
  private place: Place = "begin";
  private pending = "";
  private isBare = false;
  private isBehindCall = false;
  private readonly scanner = new JsonScanner();
  /** How calls without marks begin, with no white space. */
  private readonly bare: readonly string[];
  private readonly isOne: boolean;

  constructor({ names, isOne }: ToolCallOptions) {
    this.isOne = isOne;
    this.bare = names.flatMap((name) => fences.map((fence) => `${fence}{"name":${JSON.stringify(name)},"arguments":{`));
  }

  push(text: string): AnswerPiece[] {
    this.pending += text;
    const pieces: AnswerPiece[] = [];
    while (this.step(pieces));
    return pieces;
  }

  /** What was held back, now that nothing comes any more. */
  end(): AnswerPiece[] {
    const text = this.place === "call" ? CALL_BEGIN + this.pending : this.pending;
    if (["arguments", "after", "afterBare"].includes(this.place)) return [];
    return this.isBehindCall && text.trim() === "" ? [] : textPieces(text);
  }

  /** Whether it has come further, so that there may be more in what is pending. */
  private step(pieces: AnswerPiece[]): boolean {
    switch (this.place) {
      case "begin":
        return this.readBegin(pieces);
      case "text":
        return this.readText(pieces);
      case "call":
        return this.readHead(pieces);
      case "arguments":
        return this.readArguments(pieces);
      case "after": {
        const at = this.pending.indexOf(CALL_END);
        if (at < 0) return false;
        this.enter("text", this.pending.slice(at + CALL_END.length));
        return true;
      }
      case "afterBare": {
        const said = this.pending.replace(/\s/g, "");
        if (said !== BARE_END && BARE_END.startsWith(said)) return false;
        this.enter(this.isOne ? "text" : "begin", this.pending.replace(/^\s*\}?\s*(```)?/, ""));
        return true;
      }
    }
  }

  /** Whether it begins with a call without marks. */
  private readBegin(pieces: AnswerPiece[]): boolean {
    const said = this.pending.replace(/\s/g, "");
    const isCall = this.bare.some((begin) => said.startsWith(begin));
    if (!isCall && this.bare.some((begin) => begin.startsWith(said))) return false;
    const object = this.pending.indexOf("{");
    const begin = isCall ? head.exec(this.pending.slice(object)) : null;
    if (!begin) {
      this.place = "text";
      return true;
    }
    this.isBare = true;
    this.begin(JSON.parse(begin[1]), pieces);
    this.enter("arguments", this.pending.slice(object + begin[0].length));
    this.scanner.reset();
    return true;
  }

  private readText(pieces: AnswerPiece[]): boolean {
    if (this.isBehindCall) this.pending = this.pending.trimStart();
    if (this.pending !== "") this.isBehindCall = false;
    const at = this.pending.indexOf(CALL_BEGIN);
    if (at >= 0) {
      pieces.push(...textPieces(this.pending.slice(0, at).trimEnd()));
      this.enter("call", this.pending.slice(at + CALL_BEGIN.length));
      return true;
    }
    const said = this.pending.length - heldBack(this.pending);
    pieces.push(...textPieces(this.pending.slice(0, said)));
    this.pending = this.pending.slice(said);
    return false;
  }

  private readHead(pieces: AnswerPiece[]): boolean {
    const begin = head.exec(this.pending);
    if (begin) {
      this.isBare = false;
      this.begin(JSON.parse(begin[1]), pieces);
      this.enter("arguments", this.pending.slice(begin[0].length));
      this.scanner.reset();
      return true;
    }
    const at = this.pending.indexOf(CALL_END);
    if (at < 0) return false;
    const body = this.pending.slice(0, at);
    const call = callOf(body);
    if (call) {
      this.begin(call.name, pieces);
      pieces.push({ type: "arguments", call: this.calls - 1, text: call.arguments });
      this.complete++;
    } else pieces.push(...textPieces(CALL_BEGIN + body + CALL_END));
    this.enter("text", this.pending.slice(at + CALL_END.length));
    return true;
  }

  private readArguments(pieces: AnswerPiece[]): boolean {
    const length = this.scanner.push(this.pending);
    if (length > 0) pieces.push({ type: "arguments", call: this.calls - 1, text: this.pending.slice(0, length) });
    this.pending = this.pending.slice(length);
    if (!this.scanner.isComplete) return false;
    this.complete++;
    this.place = this.isBare ? "afterBare" : "after";
    return true;
  }

  private begin(name: string, pieces: AnswerPiece[]): void {
    const id = `call_${randomUUID().replaceAll("-", "").slice(0, 24)}`;
    pieces.push({ type: "call", call: this.calls++, id, name });
    this.isBehindCall = true;
  }

  private enter(place: Place, pending: string): void {
    this.place = place;
    this.pending = pending;
  }
}

/** Finds the end of an object. */
class JsonScanner {
  isComplete = false;
  private depth = 0;
  private isString = false;
  private isEscaped = false;

  reset(): void {
    Object.assign(this, { isComplete: false, depth: 0, isString: false, isEscaped: false });
  }

  /** Characters that belong to it. */
  push(text: string): number {
    for (let i = 0; i < text.length; i++) {
      const character = text[i];
      if (this.isEscaped) this.isEscaped = false;
      else if (this.isString) {
        if (character === "\\") this.isEscaped = true;
        if (character === '"') this.isString = false;
      } else if (character === '"') this.isString = true;
      else if (character === "{" || character === "[") this.depth++;
      else if ((character === "}" || character === "]") && --this.depth === 0) {
        this.isComplete = true;
        return i + 1;
      }
    }
    return text.length;
  }
}

function textPieces(text: string): AnswerPiece[] {
  return text === "" ? [] : [{ type: "text", text }];
}

/** Length of the end that may belong to a call: white space, and the beginning of its mark. */
function heldBack(text: string): number {
  for (let length = Math.min(CALL_BEGIN.length - 1, text.length); length >= 0; length--)
    if (text.endsWith(CALL_BEGIN.slice(0, length)))
      return text.length - text.slice(0, text.length - length).trimEnd().length;
  return 0;
}

/** A call in whatever order and with whatever white space. */
function callOf(body: string): { name: string; arguments: string } | undefined {
  try {
    const { name, arguments: given } = JSON.parse(body);
    if (typeof name !== "string" || typeof given !== "object" || given === null) return undefined;
    return { name, arguments: JSON.stringify(given) };
  } catch {
    return undefined;
  }
}
