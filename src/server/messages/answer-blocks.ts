/** Pieces of an answer as Anthropic's content blocks: each is opened, added to and closed before the next. */
import type { AnswerPiece } from "../completion.ts";
import type { AnswerBlock } from "./answer.ts";

export interface BlockEvent {
  readonly type: "content_block_start" | "content_block_delta" | "content_block_stop";
  readonly index: number;
  readonly content_block?: object;
  readonly delta?: object;
}

interface OpenBlock {
  readonly type: "text" | "tool_use";
  readonly id: string;
  readonly name: string;
  /** Or the JSON of a tool's input. */
  text: string;
}

export class AnswerBlocks {
  private readonly blocks: OpenBlock[] = [];
  private isOpen = false;

  push(piece: AnswerPiece): BlockEvent[] {
    switch (piece.type) {
      case "text":
        return piece.text ? [...this.needText(), this.add({ type: "text_delta", text: piece.text }, piece.text)] : [];
      case "call": {
        const { id, name } = piece;
        return [
          ...this.end(),
          this.open({ type: "tool_use", id, name, text: "" }, { type: "tool_use", id, name, input: {} }),
        ];
      }
      case "arguments":
        return piece.text ? [this.add({ type: "input_json_delta", partial_json: piece.text }, piece.text)] : [];
    }
  }

  /** No more is added to the last block. */
  end(): BlockEvent[] {
    if (!this.isOpen) return [];
    this.isOpen = false;
    return [{ type: "content_block_stop", index: this.index }];
  }

  /** All blocks; a call that was broken off in the middle of its input is none. */
  content(): AnswerBlock[] {
    return this.blocks.flatMap(({ type, id, name, text }): AnswerBlock[] => {
      if (type === "text") return [{ type, text }];
      const input = parsed(text);
      return input === undefined ? [] : [{ type, id, name, input }];
    });
  }

  private get index(): number {
    return this.blocks.length - 1;
  }

  private needText(): BlockEvent[] {
    if (this.isOpen && this.blocks[this.index].type === "text") return [];
    return [...this.end(), this.open({ type: "text", id: "", name: "", text: "" }, { type: "text", text: "" })];
  }

  private open(block: OpenBlock, shown: object): BlockEvent {
    this.blocks.push(block);
    this.isOpen = true;
    return { type: "content_block_start", index: this.index, content_block: shown };
  }

  private add(delta: object, text: string): BlockEvent {
    this.blocks[this.index].text += text;
    return { type: "content_block_delta", index: this.index, delta };
  }
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
