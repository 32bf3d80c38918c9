/**
 * Finds whole tokens (control or user-defined) in a text: at each place the longest one, from left to right.
 * A trie over UTF-16 units. llama.cpp looks for the longest token everywhere first; the two differ only if one
 * token's end is another's beginning, which no vocabulary that we know of has apart from runs of one character.
 */
interface Node {
  readonly children: Map<number, Node>;
  id?: number;
}

export class TokenMatcher {
  private readonly root: Node = { children: new Map() };
  private readonly begins = new Uint8Array(1 << 16);

  constructor(tokens: Iterable<readonly [text: string, id: number]>) {
    for (const [text, id] of tokens) this.insert(text, id);
  }

  /** Cuts a text into what lies between tokens (never empty) and the tokens, in order. */
  split(text: string, onText: (text: string) => void, onToken: (id: number) => void): void {
    let textStart = 0;
    for (let at = 0; at < text.length; ) {
      if (this.begins[text.charCodeAt(at)] === 0) {
        at++;
        continue;
      }
      const { id, end } = this.longestAt(text, at);
      if (id === undefined) {
        at++;
        continue;
      }
      if (at > textStart) onText(text.slice(textStart, at));
      onToken(id);
      at = end;
      textStart = end;
    }
    if (textStart < text.length) onText(text.slice(textStart));
  }

  private insert(text: string, id: number): void {
    if (text.length === 0) return;
    let node = this.root;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      let child = node.children.get(unit);
      if (child === undefined) {
        child = { children: new Map() };
        node.children.set(unit, child);
      }
      node = child;
    }
    node.id ??= id;
    this.begins[text.charCodeAt(0)] = 1;
  }

  private longestAt(text: string, start: number): { id?: number; end: number } {
    let longest: { id?: number; end: number } = { end: start };
    let node: Node | undefined = this.root;
    for (let at = start; at < text.length; ) {
      node = node.children.get(text.charCodeAt(at++));
      if (node === undefined) break;
      if (node.id !== undefined) longest = { id: node.id, end: at };
    }
    return longest;
  }
}
