/** Runs all at once. The first failure aborts the others; it is thrown when all have ended. */
export async function together(
  works: readonly ((signal: AbortSignal) => Promise<void>)[],
  signal: AbortSignal,
): Promise<void> {
  const failed = new AbortController();
  const both = AbortSignal.any([signal, failed.signal]);
  await Promise.all(
    works.map((work) =>
      work(both).catch((error: unknown) => {
        failed.abort(error);
      }),
    ),
  );
  failed.signal.throwIfAborted();
}
