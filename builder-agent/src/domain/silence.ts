/**
 * When a connection counts as dead: nothing came for twelve heartbeats (60 s of 5 s), less than the 95 s after which
 * the coordinator gives a builder up, so that the agent comes back before it does. A process that was stopped, or a
 * host that slept, has heard nothing for a reason that says nothing about the connection: then two heartbeats are left.
 */
const SILENT_BEATS = 12;
const BEATS_AFTER_SLEEP = 2;

export interface Listening {
  readonly heardAt: number;
  readonly lookedAt: number;
}

export interface SilenceVerdict {
  readonly isDead: boolean;
  /** It was not running since it looked last. */
  readonly hasSlept: boolean;
  readonly next: Listening;
}

/** To be asked at least every heartbeat. */
export function judgeSilence(listening: Listening, now: number, heartbeatMs: number): SilenceVerdict {
  const limitMs = SILENT_BEATS * heartbeatMs;
  const hasSlept = now - listening.lookedAt > limitMs / 2;
  const heardAt = hasSlept
    ? Math.max(listening.heardAt, now - limitMs + BEATS_AFTER_SLEEP * heartbeatMs)
    : listening.heardAt;
  return { isDead: now - heardAt > limitMs, hasSlept, next: { heardAt, lookedAt: now } };
}
