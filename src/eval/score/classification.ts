/**
 * LongBench's classification and number scores.
 * Classification: 1 / m if the gold class is among the m classes named in the output; a class whose name is part of the
 * gold class's name is not counted against it. (Upstream drops such classes while walking the list and so misses every
 * other one of them; we drop them all.)
 * Numbers: the share of all whole numbers of the output that equal the gold one (passage_count, passage_retrieval).
 */

export function classification(output: string, reference: string, classes: readonly string[]): number {
  const named = classes.filter((name) => output.includes(name) && (name === reference || !reference.includes(name)));
  return named.includes(reference) ? 1 / named.length : 0;
}

/** 0 if the output has no number. The numbers are compared as written. */
export function shareOfNumbers(output: string, reference: string): number {
  const numbers = output.match(/\d+/g) ?? [];
  return numbers.length === 0 ? 0 : numbers.filter((number) => number === reference).length / numbers.length;
}
