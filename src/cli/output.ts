/** Writing to stdout and stderr so that pipes behave: wait for slow readers, leave quietly when the reader does. */
import { once } from "node:events";

/** `longspan … | head`: the reader has seen enough, which is no failure. */
export function leaveWhenReaderLeaves(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
      process.exit(0);
    });
}

/** Writes text and waits while the reader is slower than we are, so that memory stays bounded. */
export async function write(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, "drain");
}

/** Lines of a table that would wrap on this terminal are cut; a pipe or file gets all of them. */
export function withinTerminal(
  table: string,
  { isTTY, columns }: { isTTY?: boolean; columns?: number } = process.stdout,
): string {
  if (!isTTY || !columns) return table;
  return table.replace(/.+/g, (line) => (line.length > columns ? `${line.slice(0, columns - 1)}…` : line));
}

/** Resolves when everything written so far has reached the operating system. */
export async function flush(): Promise<void> {
  await Promise.all(
    [process.stdout, process.stderr].map((stream) => new Promise<void>((done) => stream.write("", () => done()))),
  );
}
