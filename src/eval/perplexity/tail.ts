/** Fixed targets at the end of documents, and how much of what stands before them there is to see. */
import { CapacityError, InputError } from "../../runtime/errors.ts";
import type { Document } from "./document.ts";
import { type ReadingEngine, roomOf } from "./reading.ts";

export const DEFAULT_TARGETS = 1024;

/** Most tokens before the targets that every document has and the model can read. */
export function mostContext(engine: ReadingEngine, documents: readonly Document[], targets: number): number {
  if (!Number.isInteger(targets) || targets < 2)
    throw new InputError(`targets: expected a whole number of at least 2, got ${targets}. Leave it out for 1,024.`, {
      got: targets,
    });
  const room = roomOf(engine) - targets;
  if (room < 1)
    throw new CapacityError(
      `targets: expected fewer than ${roomOf(engine)}, the model's context, got ${targets}. Score fewer targets.`,
      { expected: roomOf(engine), got: targets },
    );
  const [shortest] = documents.toSorted((a, b) => a.tokenIds.length - b.tokenIds.length);
  if (!shortest) throw new InputError("perplexity: expected at least one document, got none. Give some text.");
  if (shortest.tokenIds.length <= targets)
    throw new InputError(
      `document ${shortest.name}: expected more than the ${targets} tokens that are scored, got ${shortest.tokenIds.length}. Score fewer targets, or leave this document out.`,
      { expected: targets + 1, got: shortest.tokenIds.length },
    );
  return Math.min(room, shortest.tokenIds.length - targets);
}

export function expectContext(context: number, most: number): void {
  if (!Number.isInteger(context) || context < 0 || context > most)
    throw new InputError(
      `context: expected 0 to ${most} tokens, what the model and the shortest document have besides the targets, got ${context}. Ask for less, or give longer documents.`,
      { expected: most, got: context },
    );
}

/** Tokens `context` before the last `targets`. */
export function beforeTargets({ tokenIds }: Document, targets: number, context: number): Int32Array {
  const end = tokenIds.length - targets;
  return tokenIds.subarray(end - context, end);
}
