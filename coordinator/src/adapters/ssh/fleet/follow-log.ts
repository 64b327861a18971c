/** The log of a lease as it comes, over as many connections as that takes, until it is whole. */

import type { RemoteLease } from './remote-lease.ts';
import type { RemoteBuilderPorts } from './remote-ports.ts';
import { aborted } from './signals.ts';
import type { Whereabouts } from './whereabouts.ts';

/** Rejects when it cannot be had; resolves early when the signal aborts. */
export async function followLog(
  { courier, clock, patience }: Pick<RemoteBuilderPorts, 'courier' | 'clock' | 'patience'>,
  builder: string,
  lease: RemoteLease,
  whereabouts: Whereabouts,
  signal: AbortSignal,
): Promise<void> {
  await Promise.race([lease.started, lease.judged, aborted(signal)]);
  while (mayHaveMore(lease) && !signal.aborted) {
    const total = await whereabouts.persist('the log of a build', signal, () =>
      courier.log(
        { builder, lease: lease.leaseId, from: lease.loggedLines },
        (lines) => {
          lease.loggedLines += lines.length;
          lease.observer.lines(lease.leaseId, lines);
        },
        signal,
      ),
    );
    if (total !== null) {
      return;
    }
    // It was cut off. A pause, for a connection that is there and breaks at once.
    await clock.sleep(patience.retryMs, signal);
  }
}

/** Until it is judged there may be more; then it is said how much. */
function mayHaveMore({ verdict, loggedLines, hasStarted }: RemoteLease): boolean {
  if (verdict === undefined) {
    return hasStarted;
  }
  return verdict.logLines !== null && verdict.logLines > loggedLines;
}
