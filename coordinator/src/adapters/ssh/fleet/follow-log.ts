/** The log of a lease as it comes, over as many connections as that takes, until it is whole. */
import { isAppError } from '@argunix/shared/kit/app-error';
import type { RemoteLease } from './remote-lease.ts';
import type { RemoteBuilderPorts } from './remote-ports.ts';
import { aborted } from './signals.ts';
import type { Whereabouts } from './whereabouts.ts';

type LogPorts = Pick<RemoteBuilderPorts, 'courier' | 'clock' | 'patience' | 'stallMs'>;

/**
 * Rejects when the end of it cannot be had; resolves early when the signal aborts. While the build runs there is no giving
 * up: what cannot be had now may be had later, and a build may be silent. Afterwards silence is a connection that stands.
 */
export async function followLog(
  ports: LogPorts,
  builder: string,
  lease: RemoteLease,
  whereabouts: Whereabouts,
  signal: AbortSignal,
): Promise<void> {
  const { clock, patience, stallMs } = ports;
  await Promise.race([lease.started, lease.judged, aborted(signal)]);
  for (let isWanted = !signal.aborted; isWanted && mayHaveMore(lease); isWanted = !signal.aborted) {
    const wasRunning = lease.verdict === undefined;
    try {
      const total = await whereabouts.persist('the log of a build', signal, () =>
        readOnce(ports, builder, lease, signal),
      );
      if (total !== null) {
        return;
      }
      // It was cut off. A pause, for a connection that is there and breaks at once.
      await clock.sleep(patience.retryMs, signal);
    } catch (error) {
      if (!wasRunning || !isAppError(error) || signal.aborted) {
        throw error;
      }
      await clock.sleep(stallMs, signal);
    }
  }
}

async function readOnce(
  { courier, stallMs }: LogPorts,
  builder: string,
  lease: RemoteLease,
  signal: AbortSignal,
): Promise<number | null> {
  const standing = new AbortController();
  let seen = -1;
  const watch = setInterval(() => {
    if (lease.verdict !== undefined && seen === lease.loggedLines) {
      standing.abort();
    }
    seen = lease.verdict === undefined ? -1 : lease.loggedLines;
  }, stallMs);
  try {
    return await courier.log(
      { builder, lease: lease.leaseId, from: lease.loggedLines },
      (lines) => {
        lease.loggedLines += lines.length;
        lease.observer.lines(lease.leaseId, lines);
      },
      AbortSignal.any([signal, standing.signal]),
    );
  } finally {
    clearInterval(watch);
  }
}

/** Until it is judged there may be more; then it is said how much. */
function mayHaveMore({ verdict, loggedLines, hasStarted }: RemoteLease): boolean {
  if (verdict === undefined) {
    return hasStarted;
  }
  return verdict.logLines !== null && verdict.logLines > loggedLines;
}
