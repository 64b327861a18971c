/**
 * Ends this host's work for the coordinator: nothing new, then what runs is finished and fetched, then what is left is
 * ended. `hurry` cuts the first two short.
 */
import type { Clock } from '@argunix/shared/kit/clock';
import type { Logger } from '@argunix/shared/kit/logger';
import type { Builds } from '../ports/builds.ts';
import type { CoordinatorLink } from '../ports/coordinator-link.ts';
import type { Fetches } from './fetch-from-caches.ts';
import type { HeldLeases } from './hold-leases.ts';
import type { Offer } from './tell-offer.ts';

export interface StopAgentPorts {
  readonly leases: HeldLeases;
  readonly builds: Builds;
  readonly fetches: Fetches;
  readonly offer: Offer;
  readonly link: CoordinatorLink;
  readonly clock: Clock;
  readonly log: Logger;
  readonly stopWithinMs: number;
  /** What the ladder of a build may take; it ends by itself. */
  readonly ladderMs: number;
}

export async function stopAgent(ports: StopAgentPorts, hurry: AbortSignal): Promise<void> {
  const { leases, builds, clock, log } = ports;
  ports.offer.stopping('The builder was asked to stop.');
  const late = new AbortController();
  const cut = AbortSignal.any([hurry, late.signal]);
  const timer = clock.sleep(ports.stopWithinMs, cut).then(() => late.abort());
  const running = [...leases.all()].filter(({ end }) => end === null).length;
  if (running > 0) {
    log.info(
      { running, stopWithinMs: ports.stopWithinMs },
      'stopping: what is being built is finished first',
    );
  }
  await leases.untilGone(cut);
  late.abort();
  await timer;
  await Promise.all([ports.fetches.stopAll(), endWhatIsLeft()]);
  ports.link.send({ type: 'leaving', reason: 'The builder was asked to stop.' });

  async function endWhatIsLeft(): Promise<void> {
    for (const lease of leases.all()) {
      if (lease.end === null) {
        lease.stoppedFor ??= 'stop';
        builds.cancel(lease.request.leaseId);
      }
    }
    const enough = new AbortController();
    const wait = clock.sleep(ports.ladderMs, enough.signal).then(() => enough.abort());
    await leases.untilEnded(enough.signal);
    enough.abort();
    await wait;
  }
}
