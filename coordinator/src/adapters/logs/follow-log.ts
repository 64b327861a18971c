/**
 * One reader of a log, live or not. States: *stored*, while it is given what was there when it came, from disk;
 * *live*, from the ring; *ended*. In the first it may be as slow as it likes. In the second it gets a `lag` when the
 * ring no longer has what it asks for. Where a line is, is decided anew at each step and without waiting in between:
 * so none is lost while it moves from memory to disk.
 */
import type { LogEvent, NumberedLine } from '../../ports/log-store.ts';
import type { LiveRing } from './live-ring.ts';

export interface FollowedLog {
  /** Of a log that is live now. */
  readonly ring: LiveRing | undefined;
  readonly recentLines: number;
  lineCount(): Promise<number>;
  /** Stored lines from `from` on, or none at the end. */
  step(from: number): Promise<readonly NumberedLine[]>;
}

export async function* followLog(
  log: FollowedLog,
  from: number | undefined,
  signal: AbortSignal,
): AsyncGenerator<LogEvent> {
  const stopWatching = log.ring?.watch();
  try {
    const storedCount = log.ring?.next() ?? (await log.lineCount());
    let next = from ?? log.ring?.recent() ?? Math.max(0, storedCount - log.recentLines);
    if (from === undefined && next > 0) {
      yield { kind: 'lag', dropped: next };
    }
    while (next < (log.ring?.oldest() ?? storedCount) && next < storedCount && !signal.aborted) {
      const lines = await log.step(next);
      const last = lines.at(-1);
      if (last === undefined) {
        break;
      }
      next = last.number + 1;
      yield { kind: 'lines', lines };
    }
    if (log.ring !== undefined) {
      yield* followRing(log.ring, next, signal);
    }
    if (!signal.aborted) {
      yield { kind: 'end' };
    }
  } finally {
    stopWatching?.();
  }
}

async function* followRing(ring: LiveRing, start: number, signal: AbortSignal): AsyncGenerator<LogEvent> {
  let next = start;
  while (!signal.aborted) {
    if (next < ring.oldest()) {
      const recent = ring.recent();
      yield { kind: 'lag', dropped: recent - next };
      next = recent;
    }
    const chunk = ring.chunkWith(next);
    if (chunk !== undefined) {
      const { first, count, event } = chunk;
      // The event itself wherever it can be: what is made of it is made once for all readers.
      yield first === next ? event : { kind: 'lines', lines: event.lines.slice(next - first) };
      next = first + count;
    } else if (ring.isEnded()) {
      return;
    } else {
      await ring.news(signal);
    }
  }
}
