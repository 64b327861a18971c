import type { Clock } from '@argunix/shared/kit/clock';
import type { HeldLeases } from './hold-leases.ts';

// Of the time that is kept: a lease is forgotten at most so much later.
const LOOKS = 24;

/** Gives back what a coordinator that is gone for good will never release. */
export async function forgetOldLeases(
  leases: HeldLeases,
  clock: Clock,
  keepMs: number,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    leases.releaseOlderThan(keepMs);
    await clock.sleep(keepMs / LOOKS, signal);
  }
}
