/**
 * The same work, asked for by many: one run at a time, and one more after it when somebody asked meanwhile. Whoever asks
 * waits for a run that began after the asking.
 */
export function createOneAtATime(work: () => Promise<void>): () => Promise<void> {
  let current: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  async function run(before: Promise<unknown> | undefined): Promise<void> {
    // How the one before ended is told to those who waited for it.
    await before?.catch(() => undefined);
    next = undefined;
    await work();
  }

  return () => {
    if (current === undefined) {
      const own = run(undefined).finally(() => {
        current = next;
      });
      current = own;
      return own;
    }
    next ??= follow(current);
    return next;
  };

  function follow(before: Promise<void>): Promise<void> {
    const own = run(before).finally(() => {
      if (current === own) {
        current = next;
      }
    });
    return own;
  }
}
