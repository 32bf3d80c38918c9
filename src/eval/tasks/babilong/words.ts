/** Prompts, names and sentences of the tasks; sources and licences stand in the file. */
import { readJson } from "../../data.ts";
import type { Random } from "../../types.ts";

export interface PromptWords {
  readonly instruction: string;
  readonly examples: string;
  readonly format: string;
}

type SentenceKind = "move" | "get" | "drop" | "leave" | "hand";
export type QuestionKind = "actor" | "object" | "before";

export const words = readJson<{
  readonly source: string;
  readonly license: string;
  readonly template: string;
  readonly prompts: Readonly<Record<string, PromptWords>>;
  readonly world: {
    readonly places: readonly string[];
    readonly objects: readonly string[];
    readonly actors: readonly string[];
    readonly hopActors: Readonly<Record<string, string>>;
    readonly move: readonly string[];
    readonly get: readonly string[];
    readonly drop: readonly string[];
  };
  readonly sentences: Readonly<Record<SentenceKind, string>>;
  readonly questions: Readonly<Record<QuestionKind, string>>;
  readonly answers: Readonly<Record<QuestionKind, string>>;
}>("babilong.json");

/** Something that happens in the world. `hand`: all that the actor carries goes to the receiver. */
export type Event =
  | { readonly kind: "move"; readonly actor: string; readonly place: string }
  | { readonly kind: "get" | "drop"; readonly actor: string; readonly object: string }
  | { readonly kind: "leave"; readonly actor: string; readonly object: string; readonly place: string }
  | { readonly kind: "hand"; readonly actor: string; readonly receiver: string };

export function sentenceOf(event: Event, random: Random): string {
  const { world, sentences } = words;
  const values: Record<string, string> = { ...event, pronoun: world.hopActors[event.actor] };
  if (event.kind === "move") values.verb = random.pick(world.move);
  else if (event.kind === "get" || event.kind === "drop") {
    values.verb = random.pick(world[event.kind]);
    values.there = random.pick(["", " there"]);
  }
  return fillIn(sentences[event.kind], values);
}

/** Replaces each {name}; names without a value stay. */
export function fillIn(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}
