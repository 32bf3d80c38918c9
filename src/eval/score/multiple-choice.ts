/** LongBench v2: the letter after "The correct answer is", in brackets or not, asterisks ignored. */
export function choiceOf(output: string): string | undefined {
  const text = output.replaceAll("*", "");
  return (/The correct answer is \(([A-D])\)/.exec(text) ?? /The correct answer is ([A-D])/.exec(text))?.[1];
}
