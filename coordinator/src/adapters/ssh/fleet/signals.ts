const ABORTED = new WeakMap<AbortSignal, Promise<undefined>>();

/** Resolves when the signal aborts; one listener however often it is asked. Only for signals that do not outlive the work. */
export function aborted(signal: AbortSignal): Promise<undefined> {
  const known = ABORTED.get(signal);
  if (known !== undefined) {
    return known;
  }
  const { promise, resolve } = Promise.withResolvers<undefined>();
  if (signal.aborted) {
    resolve(undefined);
  } else {
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  }
  ABORTED.set(signal, promise);
  return promise;
}

/** Aborts when all of them have. */
export function allOf(signals: readonly AbortSignal[]): AbortSignal {
  const all = new AbortController();
  let left = signals.length;
  for (const signal of signals) {
    const onAbort = (): void => {
      left -= 1;
      if (left === 0) {
        all.abort();
      }
    };
    if (signal.aborted) {
      onAbort();
    } else {
      signal.addEventListener('abort', onAbort, { once: true });
    }
  }
  return all.signal;
}
