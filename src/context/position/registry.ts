/** The position axis: one line a method. */
import { z } from "zod";
import { dca } from "./dca.ts";
import { infllm } from "./infllm.ts";
import { linear } from "./linear.ts";
import { llama3 } from "./llama3.ts";
import { longrope } from "./longrope.ts";
import type { PositionMethod } from "./method.ts";
import { dynamicNtk, ntk } from "./ntk.ts";
import { rerope } from "./rerope.ts";
import { rope } from "./rope.ts";
import { selfExtend } from "./self-extend.ts";
import { sinkWindow } from "./sink-window.ts";
import { string } from "./string.ts";
import { yarn } from "./yarn.ts";

export const positionMethods = [
  rope,
  linear,
  ntk,
  dynamicNtk,
  yarn,
  longrope,
  llama3,
  string,
  dca,
  selfExtend,
  rerope,
  sinkWindow,
  infllm,
] as const;

export const positionOptionsSchema = z.discriminatedUnion("method", schemasOf(positionMethods));

function schemasOf<const Methods extends readonly { options: z.ZodObject }[]>(methods: Methods) {
  return methods.map(({ options }) => options) as unknown as { [Place in keyof Methods]: Methods[Place]["options"] };
}

export type PositionOptions = z.infer<typeof positionOptionsSchema>;

export function positionMethod({ method }: PositionOptions): PositionMethod {
  // Options carry the id of the method whose schema let them through, so they are that method's.
  return positionMethods.find(({ id }) => id === method) as unknown as PositionMethod;
}
