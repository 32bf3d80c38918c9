/**
 * Stories of the bAbI world (Weston et al. 2015, tasks 1 to 3) and their questions, with the facts each answer rests on.
 * qa1: two moves of random actors, then "Where is X?". qa2 and qa3: random valid moves, gets and drops; after more than
 * two of them a question comes with probability 1/2: where an object is, or where it was before some place.
 * A story goes on for up to five questions, of which the sample asks the last; earlier ones leave no trace.
 * Objects begin in random places, as published bAbI stories have it.
 */
import type { Random } from "../../types.ts";
import { type Event, fillIn, type QuestionKind, sentenceOf, words } from "./words.ts";

export interface Story {
  readonly facts: readonly string[];
  /** Indices of the facts without which the answer does not follow, ascending. */
  readonly supports: readonly number[];
  readonly question: string;
  /** The place asked for. */
  readonly place: string;
  /** A full answer in the form asked for. */
  readonly answer: string;
}

const QUESTIONS = 5;
const { places, objects, actors } = words.world;

/** Told anew until it has at most `most` facts. */
export function tellStory(kind: QuestionKind, random: Random, most: number): Story {
  for (;;) {
    const story = kind === "actor" ? tellMoves(random) : tellObjects(kind, random, most);
    if (story !== undefined && story.facts.length <= most) return story;
  }
}

export function storyOf(
  events: readonly Event[],
  random: Random,
  kind: QuestionKind,
  asked: Readonly<Record<string, string>>,
  place: string,
  supports: Iterable<number>,
): Story {
  return {
    facts: events.map((event) => sentenceOf(event, random)),
    supports: [...new Set(supports)].sort((a, b) => a - b),
    question: fillIn(words.questions[kind], asked),
    place,
    answer: fillIn(words.answers[kind], { ...asked, asked: asked.place, place }),
  };
}

function tellMoves(random: Random): Story {
  const latest = new Map<string, { place: string; fact: number }>();
  const events = Array.from({ length: 2 * random.between(1, QUESTIONS) }, (_, fact): Event => {
    const actor = random.pick(actors);
    const place = random.pick(places.filter((other) => other !== latest.get(actor)?.place));
    latest.set(actor, { place, fact });
    return { kind: "move", actor, place };
  });
  const [actor, { place, fact }] = random.pick([...latest]);
  return storyOf(events, random, "actor", { actor }, place, [fact]);
}

/** Where an object has been, as far as it was told, and the facts that tell it. */
interface Stay {
  readonly place: string;
  readonly facts: readonly number[];
}

function tellObjects(kind: "object" | "before", random: Random, most: number): Story | undefined {
  const actorPlace = new Map<string, { place: string; fact: number }>();
  const objectPlace = new Map(objects.map((object) => [object, random.pick(places)]));
  const holder = new Map<string, { actor: string; fact: number }>();
  const stays = new Map<string, Stay[]>(objects.map((object) => [object, []]));
  const events: Event[] = [];
  let [silent, questions] = [0, random.between(1, QUESTIONS)];

  const carried = (actor: string) => objects.filter((object) => holder.get(object)?.actor === actor);
  const stay = (object: string, place: string, facts: readonly number[]) => {
    const all = stays.get(object)!;
    // Dropped and taken up again in one place: still the same stay, told by its latest facts.
    if (all.at(-1)?.place === place) all.pop();
    all.push({ place, facts });
  };
  const move = (): Event => {
    const actor = random.pick(actors);
    const place = random.pick(places.filter((other) => other !== actorPlace.get(actor)?.place));
    actorPlace.set(actor, { place, fact: events.length });
    for (const object of carried(actor)) {
      objectPlace.set(object, place);
      stay(object, place, [holder.get(object)!.fact, events.length]);
    }
    return { kind: "move", actor, place };
  };

  while (events.length < most) {
    const gets = actors.flatMap((actor) =>
      objects
        .filter((object) => !holder.has(object) && objectPlace.get(object) === actorPlace.get(actor)?.place)
        .map((object) => ({ actor, object })),
    );
    const drops = [...holder].map(([object, { actor }]) => ({ actor, object }));
    const choice = random.pick([move, ...(gets.length > 0 ? [gets] : []), ...(drops.length > 0 ? [drops] : [])]);
    if (typeof choice === "function") events.push(choice());
    else {
      const { actor, object } = random.pick(choice);
      if (choice === gets) {
        stay(object, objectPlace.get(object)!, [actorPlace.get(actor)!.fact, events.length]);
        holder.set(object, { actor, fact: events.length });
      } else {
        const { place, facts } = stays.get(object)!.at(-1)!;
        stay(object, place, [...facts, events.length]);
        holder.delete(object);
      }
      events.push({ kind: choice === gets ? "get" : "drop", actor, object });
    }
    if (++silent <= 2 || random.next() < 0.5) continue;
    const candidates = objects.flatMap((object) => questionsAbout(kind, object, stays.get(object)!));
    if (candidates.length === 0) continue;
    const { asked, place, facts } = random.pick(candidates);
    silent = 0;
    if (--questions === 0) return storyOf(events, random, kind, asked, place, facts);
  }
  return undefined;
}

function questionsAbout(
  kind: "object" | "before",
  object: string,
  stays: readonly Stay[],
): { asked: Record<string, string>; place: string; facts: readonly number[] }[] {
  if (kind === "object") return stays.slice(-1).map(({ place, facts }) => ({ asked: { object }, place, facts }));
  // "Before the kitchen" means one thing only if the object was in the kitchen once.
  return stays
    .slice(1)
    .flatMap(({ place, facts }, i) =>
      stays.filter((other) => other.place === place).length === 1
        ? [{ asked: { object, place }, place: stays[i].place, facts: [...stays[i].facts, ...facts] }]
        : [],
    );
}
