/** A byte-level BPE vocabulary for tiny models: 256 bytes, 16 merges, 3 special tokens, then unused tokens as padding. */
import type { MetadataValue } from "./gguf-writer.ts";

/** "Ġ" stands for the space: see `byteTokens`. Later merges build on earlier ones. */
const merges = [
  "Ġ t",
  "h e",
  "Ġ a",
  "i n",
  "e r",
  "o n",
  "Ġt he",
  "r e",
  "Ġ s",
  "a t",
  "e n",
  "o u",
  "n d",
  "Ġ w",
  "in g",
  "Ġa nd",
];
const specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];

export const leastVocabularySize = 256 + merges.length + specials.length;

/** ChatML, as in Qwen's files. */
const chatTemplate =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

export function vocabularyMetadata(vocabularySize: number): Record<string, MetadataValue> {
  const tokens = [...byteTokens(), ...merges.map((merge) => merge.replace(" ", "")), ...specials];
  const firstSpecial = tokens.length - specials.length;
  for (let i = 0; tokens.length < vocabularySize; i++) tokens.push(`[UNUSED${i}]`);
  // GGUF token types: 1 normal, 3 control, 5 unused.
  const typeOf = (id: number) => (id < firstSpecial ? 1 : id < leastVocabularySize ? 3 : 5);
  return {
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.pre": "gpt-2",
    "tokenizer.ggml.tokens": tokens,
    "tokenizer.ggml.token_type": Int32Array.from(tokens, (_, id) => typeOf(id)),
    "tokenizer.ggml.merges": merges,
    "tokenizer.ggml.bos_token_id": firstSpecial,
    "tokenizer.ggml.eos_token_id": firstSpecial + 2,
    "tokenizer.ggml.add_bos_token": false,
    "tokenizer.chat_template": chatTemplate,
  };
}

/** GPT-2's spelling of bytes: printable Latin-1 as itself, the other 68 as U+0100 and up, in order. */
function byteTokens(): string[] {
  const isPrintable = (byte: number) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte !== 173);
  let others = 0;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(isPrintable(byte) ? byte : 256 + others++));
}
