/** Windows of the haystacks that come with the package, as texts to calibrate a model with. */
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { builtInHaystack, haystackNames } from "./haystack.ts";

/** `count` texts of `tokens` tokens, one haystack after the other, each from places that lie evenly in it. */
export function haystackWindows(tokenizer: Tokenizer, count: number, tokens: number): Int32Array[] {
  const haystacks = haystackNames.map(builtInHaystack);
  return Array.from({ length: count }, (_, index) => {
    const haystack = haystacks[index % haystacks.length];
    const ofThis = Math.ceil((count - (index % haystacks.length)) / haystacks.length);
    const offset = Math.floor((Math.floor(index / haystacks.length) * haystack.wordCount) / ofThis);
    // A word is a token at least.
    return Int32Array.from(tokenizer.encode(haystack.words(tokens, offset))).slice(0, tokens);
  });
}
