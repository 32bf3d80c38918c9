/** Ctrl-C as an AbortSignal: the first one stops cleanly, the second one leaves at once. */

/** The reason of an abort by Ctrl-C or a polite kill; ends the command with exit code 130. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}

/** A signal that aborts at the first SIGINT or SIGTERM, until it is released. */
export function interruptible(): { readonly signal: AbortSignal; release(): void } {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort(new Interrupted("interrupted"));
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  return {
    signal: controller.signal,
    release() {
      process.off("SIGINT", stop);
      process.off("SIGTERM", stop);
    },
  };
}
