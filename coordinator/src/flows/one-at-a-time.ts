/**
 * The same work, asked for by many: one run at a time, and one more after it when somebody asked meanwhile. Whoever asks
 * waits for a run that began after the asking. `pause` comes before each run, and who asks in it is answered by that run.
 */
export function createOneAtATime(
  work: () => Promise<void>,
  pause: () => Promise<void> = () => Promise.resolve(),
): () => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  /** It has not begun. */
  let next: Promise<void> | undefined;

  async function runAfter(before: Promise<void>): Promise<void> {
    // How the one before ended is told to those who waited for it.
    await before.catch(() => undefined);
    await pause();
    next = undefined;
    await work();
  }
  return () => {
    if (next === undefined) {
      last = runAfter(last);
      next = last;
    }
    return next;
  };
}
