/** Questions from a keyboard or a pipe, one a line, each with a signal that Ctrl-C aborts. */
import { createInterface } from "node:readline";
import { Interrupted } from "./interrupt.ts";

export interface Question {
  readonly text: string;
  readonly signal: AbortSignal;
  /** Someone is there to ask again if this one fails. */
  readonly isTyped: boolean;
}

const HELP = `Type a question and press Enter. The documents and everything said so far stay in view.
  /help   this
  /exit   leave (or Ctrl-D)
Ctrl-C stops an answer; a second one leaves.
`;

/** Ends with the input or at /exit. Throws Interrupted at the second Ctrl-C without an answer in between. */
export async function* questions(): AsyncGenerator<Question> {
  const isTyped = process.stdin.isTTY === true;
  const lines = createInterface({ input: process.stdin, output: isTyped ? process.stderr : undefined, prompt: "> " });
  let controller: AbortController | undefined;
  let leaving = false;
  const onInterrupt = () => {
    if (controller && !controller.signal.aborted) return controller.abort(new Interrupted("interrupted"));
    if (leaving || controller || !isTyped) process.exit(130);
    leaving = true;
    process.stderr.write("\nPress Ctrl-C again, or type /exit, to leave.\n");
    lines.prompt();
  };
  // A terminal in raw mode gives Ctrl-C to readline; otherwise it comes as a signal of the process.
  lines.on("SIGINT", onInterrupt);
  process.on("SIGINT", onInterrupt);

  try {
    if (isTyped) lines.prompt();
    for await (const line of lines) {
      leaving = false;
      const text = line.trim();
      if (text === "/exit") return;
      if (text.startsWith("/"))
        process.stderr.write(text === "/help" ? HELP : `${text}: unknown. /help lists what can be typed.\n`);
      else if (text !== "") {
        controller = new AbortController();
        yield { text, signal: controller.signal, isTyped };
        controller = undefined;
      }
      if (isTyped) lines.prompt();
    }
  } finally {
    process.off("SIGINT", onInterrupt);
    lines.close();
  }
}
