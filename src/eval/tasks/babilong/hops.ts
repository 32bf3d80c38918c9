/**
 * Stories whose answer takes exactly k facts, for any k that the cast allows: an item is taken up, handed on k - 2 times
 * as part of "all he carried", and carried to its last place. No fact but the first names the item, and every earlier
 * carrier goes elsewhere afterwards, so that leaving out any one of the k facts gives another answer or none.
 */
import type { Random } from "../../types.ts";
import { type Story, storyOf } from "./story.ts";
import { type Event, words } from "./words.ts";

const { places, objects } = words.world;
const cast = Object.keys(words.world.hopActors);

/** One person takes the item up, then k - 2 receive it, and two more stand by. */
export const mostHops = cast.length - 1;

export function tellHops(hops: number, random: Random): Story {
  const people = random.shuffle(cast);
  const carriers = people.slice(0, Math.max(1, hops - 1));
  const [object, ...others] = random.shuffle(objects);
  const place = random.pick(places);
  const told = hops === 1 ? leave(carriers[0], object, place, random) : carry(carriers, object, place, random);
  const asides = standBy(people.slice(carriers.length), others, random);

  const events: Event[] = [];
  const supports: number[] = [];
  const left = [...told];
  while (left.length + asides.length > 0) {
    if (random.int(left.length + asides.length) < asides.length) events.push(asides.shift()!);
    else {
      const { event, supports: isSupport } = left.shift()!;
      if (isSupport) supports.push(events.length);
      events.push(event);
    }
  }
  return storyOf(events, random, "object", { object }, place, supports);
}

interface Told {
  readonly event: Event;
  readonly supports: boolean;
}

function leave(actor: string, object: string, place: string, random: Random): Told[] {
  const next = random.pick(places.filter((other) => other !== place));
  return [
    { event: { kind: "leave", actor, object, place }, supports: true },
    { event: { kind: "move", actor, place: next }, supports: false },
  ];
}

function carry(carriers: readonly string[], object: string, target: string, random: Random): Told[] {
  const elsewhere = (place?: string) => random.pick(places.filter((other) => other !== target && other !== place));
  const told: Told[] = [];
  const tell = (event: Event, supports = false) => told.push({ event, supports });
  let place = elsewhere();
  tell({ kind: "move", actor: carriers[0], place });
  tell({ kind: "get", actor: carriers[0], object }, true);
  for (const [i, receiver] of carriers.slice(1).entries()) {
    const giver = carriers[i];
    tell({ kind: "move", actor: receiver, place });
    tell({ kind: "hand", actor: giver, receiver }, true);
    tell({ kind: "move", actor: giver, place: elsewhere(place) });
    // All but the last carrier go on before they meet the next one.
    if (i < carriers.length - 2) {
      place = elsewhere(place);
      tell({ kind: "move", actor: receiver, place });
    }
  }
  tell({ kind: "move", actor: carriers.at(-1)!, place: target }, true);
  return told;
}

/** What the others do meanwhile: the same kinds of facts, about other items. */
function standBy(people: readonly string[], others: readonly string[], random: Random): Event[] {
  const events: Event[] = [];
  const [place, next] = random.sample(places, 2);
  for (const [i, actor] of people.entries())
    events.push({ kind: "move", actor, place: i < 2 ? place : random.pick(places) });
  for (const object of others) events.push({ kind: "get", actor: people[0], object });
  events.push({ kind: "hand", actor: people[0], receiver: people[1] });
  events.push({ kind: "move", actor: people[1], place: next });
  return events;
}
