/** What a cache format is: how full pages keep keys and values. The page that still fills is always f32. */
import { z } from "zod";
import type { CodeBits, LowBitFormat, PageFormat } from "../../../ops/page-low.ts";
import { type Technique, techniqueOptions } from "../../technique.ts";

export interface PageFormats {
  /** Of the first page of a text. */
  readonly first: PageFormat;
  readonly rest: PageFormat;
}

export interface CacheFormat<Schema extends z.ZodObject = z.ZodObject> extends Technique<Schema> {
  readonly source: string;
  pages(options: z.infer<Schema>): PageFormats;
}

export function defineFormat<Schema extends z.ZodObject>(format: CacheFormat<Schema>): CacheFormat<Schema> {
  return format;
}

/**
 * A format of b-bit codes, x = mean + step·(code − levels/2), whose means and steps are f16 and belong to
 *
 *   keys    "channel"         a channel of a page: keys with a bias keep their accuracy
 *           "rotated-token"   32 channels of a key that was turned by a Hadamard matrix, which spreads large channels over all
 *   values  "channel"         a channel of a page
 *           "token"           32 channels of a value
 */
export function lowBitFormat<Id extends string>({
  id,
  summary,
  source,
  keys,
  values,
}: {
  id: Id;
  summary: string;
  source: string;
  keys: LowBitFormat["keys"];
  values: LowBitFormat["values"];
}) {
  const bits: { keys: CodeBits; values: CodeBits } = { keys: keys.bits, values: values.bits };
  return defineFormat({
    id,
    summary,
    source,
    options: techniqueOptions(id, {
      keys: z.enum(["channel", "rotated-token"]).default(keys.by),
      values: z.enum(["channel", "token"]).default(values.by),
      /** The first page, which holds the attention sinks, has 8 bits. */
      highFirst: z.boolean().default(true),
    }),
    pages({ keys, values, highFirst }) {
      const rest = { keys: { bits: bits.keys, by: keys }, values: { bits: bits.values, by: values } };
      return { first: highFirst ? "q8" : rest, rest };
    },
  });
}
