/**
 * What a plan's position method makes of a model's layers: one rotary table for each distinct profile.
 * Sliding-window layers see no long context and are left as trained.
 */

import type { RopeScaling } from "../../formats/rope-scaling.ts";
import { InputError } from "../../runtime/errors.ts";
import { logNTemperature } from "./log-n.ts";
import type { Frequencies, TrainedRope } from "./method.ts";
import { type PositionOptions, positionMethod } from "./registry.ts";
import { asTrained } from "./rope.ts";
import type { Zones } from "./zones.ts";

/** What is needed of a model. */
export interface RotaryModel {
  readonly contextLength: number;
  readonly headDim: number;
  readonly rotary: number;
  readonly layers: readonly {
    readonly window: number;
    readonly rope: { readonly base: number; readonly scaling?: RopeScaling };
  }[];
}

export interface Profile extends Frequencies {
  /** Multiplies the queries at a position. */
  readonly temperature?: (position: number) => number;
  /** Of layers with a sliding window. */
  readonly isLocal: boolean;
}

export interface Rotation {
  readonly profiles: readonly Profile[];
  /** Layer l uses profiles[profileOf[l]]. */
  readonly profileOf: readonly number[];
  /** Longest context in tokens. */
  readonly contextLength: number;
  /** How full-attention layers see the past, if not all of it as it stands. */
  readonly zones?: Zones;
}

/** Longest context under a position method, of a model made for `trainedLength` tokens. */
export function contextLengthOf(position: PositionOptions, trainedLength: number): number {
  return positionMethod(position).reach(position, trainedLength);
}

export function createRotation(position: PositionOptions, model: RotaryModel): Rotation {
  const method = positionMethod(position);
  check(position, model);
  const temperature = position.logN && logNTemperature(model.contextLength);
  const profiles: Profile[] = [];
  const keys: string[] = [];
  const profileOf = model.layers.map((layer) => {
    const trained = trainedRope(model, layer);
    const isLocal = layer.window > 0;
    const key = JSON.stringify([layer.rope, isLocal]);
    if (!keys.includes(key)) {
      keys.push(key);
      profiles.push(
        isLocal
          ? { ...asTrained(trained), isLocal }
          : { ...method.frequencies(position, trained), isLocal, ...(temperature && { temperature }) },
      );
    }
    return keys.indexOf(key);
  });
  const zones = method.zones?.(position, trainedRope(model, fullLayer(model)));
  return {
    profiles,
    profileOf,
    contextLength: contextLengthOf(position, model.contextLength),
    ...(zones && { zones }),
  };
}

function check(position: PositionOptions, model: RotaryModel): void {
  const { scaling } = fullLayer(model).rope;
  if (scaling && changesFrequencies(position))
    throw new InputError(
      `plan: position "${position.method}": the model's file has a scaling of its own. Use {"method":"rope"}, which applies it.`,
      { got: position.method },
    );
  if (position.method === "longrope" && position.divisors.length !== model.rotary / 2)
    throw new InputError(
      `plan: position.divisors: expected ${model.rotary / 2} numbers, one for each pair of this model, got ${position.divisors.length}. Give as many.`,
      { expected: model.rotary / 2, got: position.divisors.length },
    );
  if (position.logN && model.rotary !== model.headDim)
    throw new InputError(
      `plan: position.logN: expected a model whose whole head turns, got ${model.rotary} of ${model.headDim} dimensions. Leave it out.`,
      { expected: model.headDim, got: model.rotary },
    );
}

/** Re-indexed methods keep the frequencies, and so a scaling of the file. */
function changesFrequencies(position: PositionOptions): boolean {
  return position.method !== "rope" && positionMethod(position).zones === undefined;
}

function trainedRope({ rotary, contextLength }: RotaryModel, { rope }: RotaryModel["layers"][number]): TrainedRope {
  return { rotary, contextLength, base: rope.base, ...(rope.scaling && { scaling: rope.scaling }) };
}

/** The layers that a position method is for; a model with windows everywhere has none, and nothing to extend. */
function fullLayer({ layers }: RotaryModel): RotaryModel["layers"][number] {
  return layers.find(({ window }) => window === 0) ?? layers[0];
}
