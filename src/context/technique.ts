/** Techniques of an axis by id, and how a plan names one: by its id, or by an object with its id as `method` and its options. */
import { z } from "zod";

export interface Technique<Schema extends z.ZodObject = z.ZodObject> {
  readonly id: string;
  readonly summary: string;
  /** With `method` as a literal of the id, and a default for every other key. */
  readonly options: Schema;
}

/** A plan's choice: an id where all options are the default ones. */
export type Choice = string | CompleteChoice;

export type CompleteChoice = { readonly method: string } & Readonly<Record<string, unknown>>;

export class TechniqueRegistry<T extends Technique> {
  readonly axis: string;
  private readonly byId: Map<string, T>;

  constructor(axis: string, members: readonly T[]) {
    this.axis = axis;
    this.byId = new Map(members.map((member) => [member.id, member]));
  }

  get members(): readonly T[] {
    return [...this.byId.values()];
  }

  /** Adds a technique, in this thread; one of the same id is replaced. */
  add(member: T): void {
    this.byId.set(member.id, member);
  }

  /** The technique that a checked plan chose, and its options with defaults. */
  chosen(choice: Choice): { technique: T; options: never } {
    const technique = this.byId.get(idOf(choice));
    if (!technique) throw new Error(`${this.axis}: no technique "${idOf(choice)}"`);
    const options = technique.options.parse(typeof choice === "string" ? { method: choice } : choice);
    return { technique, options: options as never };
  }

  /** Schema of a choice that gives its id and all options, defaults filled in. */
  get complete(): z.ZodType<CompleteChoice> {
    return this.choice.transform((choice) => {
      const { options } = this.chosen(choice);
      return options as CompleteChoice;
    });
  }

  /** Schema of a choice; ids and options are looked up when it is used, so that techniques can be added. */
  get choice(): z.ZodType<Choice> {
    return z.unknown().transform((value, context) => {
      const fail = (message: string, path: PropertyKey[] = []) => {
        context.addIssue({ code: "custom", message, path });
        return z.NEVER;
      };
      const given = typeof value === "string" ? { method: value } : value;
      if (typeof given !== "object" || given === null || typeof (given as { method?: unknown }).method !== "string")
        return fail(`expected an id or {"method": id, …options}, got ${JSON.stringify(value)}`);
      const { method } = given as { method: string };
      const technique = this.byId.get(method);
      if (!technique) return fail(`expected one of ${[...this.byId.keys()].join(", ")}, got "${method}"`);
      const parsed = technique.options.safeParse(given);
      if (!parsed.success) return fail(parsed.error.issues[0].message, parsed.error.issues[0].path);
      return Object.keys(given).length === 1 ? method : (given as Choice);
    });
  }
}

export function idOf(choice: Choice): string {
  return typeof choice === "string" ? choice : choice.method;
}

/** Options of a technique: its id, and its own. */
export function techniqueOptions<Id extends string, Shape extends z.ZodRawShape>(id: Id, shape: Shape) {
  return z.strictObject({ method: z.literal(id), ...shape });
}
