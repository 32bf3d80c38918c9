/**
 * One class per reaction of the caller. Every message has the form
 * `where: expected X, got Y. Do Z.`; the facts are also fields.
 */
export interface ErrorFacts {
  expected?: unknown;
  got?: unknown;
}

class LongspanError extends Error {
  readonly expected?: unknown;
  readonly got?: unknown;

  constructor(message: string, facts: ErrorFacts = {}) {
    super(message);
    this.name = new.target.name;
    Object.assign(this, facts);
  }
}

/** The caller gave something unusable: HTTP 400, exit code 2. */
export class InputError extends LongspanError {}

/** Too long or not enough memory: `context_length_exceeded`, exit code 3. */
export class CapacityError extends LongspanError {}

/** A combination that is refused, or a format we do not read: exit code 2. */
export class UnsupportedError extends LongspanError {}

/** Exit code of the command line for an error: 1 our bug, 2 bad input, 3 not enough capacity. */
export function exitCodeOf(error: unknown): 1 | 2 | 3 {
  if (error instanceof CapacityError) return 3;
  if (error instanceof InputError || error instanceof UnsupportedError) return 2;
  return 1;
}
