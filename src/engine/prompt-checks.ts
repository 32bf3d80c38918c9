/** What is wrong with the tokens of a prefill() is said before any is read. */
import { CapacityError, InputError } from "../runtime/errors.ts";
import type { ModelInfo } from "./types.ts";

/** Throws CapacityError if they do not fit behind the `held` ones, InputError if any is no token. */
export function checkTokens(
  tokenIds: ArrayLike<number>,
  { held, contextLength, model }: { held: number; contextLength: number; model: ModelInfo },
): void {
  const { vocabularySize } = model;
  if (tokenIds.length === 0) throw new InputError("prefill: expected at least one token, got none. Give some text.");
  checkLength("prompt", held + tokenIds.length, contextLength);
  for (let i = 0; i < tokenIds.length; i++) {
    const id = tokenIds[i];
    if (!Number.isInteger(id) || id < 0 || id >= vocabularySize)
      throw new InputError(`prefill: token ${i}: expected an id from 0 to ${vocabularySize - 1}, got ${id}.`, {
        got: id,
      });
  }
}

/** Throws CapacityError if a text of `total` tokens does not fit. */
export function checkLength(where: string, total: number, contextLength: number): void {
  if (total > contextLength)
    throw new CapacityError(
      `${where}: ${total.toLocaleString("en")} tokens, the context is ${contextLength.toLocaleString("en")}. ` +
        "Shorten the text, use a model with a longer context, or a plan whose position method reaches further.",
      { expected: contextLength, got: total },
    );
}

/** Targets as they are sent; throws InputError unless there is a token, or −1, for each of the prompt's. */
export function checkTargets(
  targets: ArrayLike<number> = [],
  expected: number,
  { vocabularySize }: ModelInfo,
): Int32Array {
  if (targets.length !== expected)
    throw new InputError(
      `prefill: expected a target for each of ${expected} tokens, got ${targets.length}. Give -1 where none is wanted.`,
      { expected, got: targets.length },
    );
  for (let i = 0; i < targets.length; i++)
    if (!Number.isInteger(targets[i]) || targets[i] < -1 || targets[i] >= vocabularySize)
      throw new InputError(
        `prefill: target ${i}: expected an id from 0 to ${vocabularySize - 1}, or -1, got ${targets[i]}.`,
        { got: targets[i] },
      );
  return Int32Array.from(targets);
}

/** Throws InputError unless [start, end) is a part of the tokens of a session that another goes on from. */
export function checkRange(start: number, end: number, held: number): void {
  if (!(Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start < end && end <= held))
    throw new InputError(
      `link: expected tokens [start, end) of the ${held} that the other session holds, got [${start}, ${end}). Give a part of them.`,
      { expected: held, got: [start, end] },
    );
}

/** Throws InputError for a session that holds the beginning of a prompt in some layers only. */
export function refuseWaiting(what: string, { awaitsEnd, length }: { awaitsEnd: boolean; length: number }): void {
  if (awaitsEnd)
    throw new InputError(
      `${what}: expected a session that was not cut within its prompt, got one that awaits what comes behind ${length} tokens, from which its plan selects. Call prefill() with that and no callbacks for logits first, or truncate(0).`,
    );
}
