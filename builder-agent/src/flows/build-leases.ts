/**
 * Takes a batch of leases: roots first, then Nix. What is held already is left as it is and reported again, so that the
 * coordinator may ask twice.
 */
import type { BuildEnding } from '@argunix/shared/domain/build-ending';
import type { BuildObserver } from '@argunix/shared/domain/build-request';
import type { LeaseId } from '@argunix/shared/domain/ids';
import { storePathName } from '@argunix/shared/domain/store-path';
import { messageOf } from '@argunix/shared/kit/app-error';
import type { Clock } from '@argunix/shared/kit/clock';
import type { Logger } from '@argunix/shared/kit/logger';
import { mapBounded } from '@argunix/shared/nix/map-bounded';
import type { GcRoots } from '@argunix/shared/nix/roots/gc-roots';
import type { CoordinatorMessage } from '@argunix/shared/protocol/coordinator-message';
import { endingOf, inputsOwner, type Lease, rootsOwner } from '../domain/lease.ts';
import type { Builds } from '../ports/builds.ts';
import type { CoordinatorLink } from '../ports/coordinator-link.ts';
import type { LeaseFiles } from '../ports/lease-files.ts';
import type { LogSpool } from '../ports/log-spool.ts';
import type { HeldLeases } from './hold-leases.ts';

export interface BuildLeasesPorts {
  readonly leases: HeldLeases;
  readonly link: CoordinatorLink;
  readonly files: LeaseFiles;
  readonly roots: GcRoots;
  readonly builds: Builds;
  readonly clock: Clock;
  readonly log: Logger;
}

export type BuildMessage = Extract<CoordinatorMessage, { type: 'build' }>;

interface Begun {
  readonly lease: Lease;
  readonly outputs: readonly string[];
}

/** Never rejects; every lease of the message ends. */
export async function buildLeases(message: BuildMessage, ports: BuildLeasesPorts): Promise<void> {
  const { leases, link } = ports;
  const begun = beginLeases(message, leases);
  const trouble = await keep(begun, message, ports).then(
    () => null,
    (error: unknown) => messageOf(error),
  );
  if (trouble !== null) {
    ports.log.error({ batch: message.batch, reason: trouble }, 'could not make room for a batch');
    for (const { lease } of begun) {
      const reason = `The builder could not keep what it needs to know of this build: ${trouble}`;
      await end(lease, { kind: 'infrastructure', reason }, ports);
    }
    return;
  }
  link.send({ type: 'rooted', batch: message.batch });
  const unwanted = begun.filter(({ lease }) => lease.stoppedFor !== null);
  // First, and at once: what is stopped from now on is found among what runs.
  start(
    begun.filter(({ lease }) => lease.stoppedFor === null),
    message,
    ports,
  );
  for (const { lease } of unwanted) {
    await end(lease, { kind: 'cancelled' }, ports);
  }
}

/** At once, so that what is said about them next finds them. */
function beginLeases({ requests }: BuildMessage, leases: HeldLeases): readonly Begun[] {
  const first = requests.find(({ lease }) => leases.find(lease) === undefined);
  return requests.flatMap(({ lease: leaseId, drv_path: drvPath, outputs }) => {
    const owner = inputsOwner(first?.lease ?? leaseId);
    const lease = leases.begin({ leaseId, drvPath, inputsOwner: owner });
    const held = leases.find(leaseId);
    if (lease === undefined && held !== undefined) {
      leases.repeat(held);
    }
    return lease === undefined ? [] : [{ lease, outputs }];
  });
}

async function keep(
  begun: readonly Begun[],
  { inputs }: BuildMessage,
  ports: BuildLeasesPorts,
): Promise<void> {
  const [first] = begun;
  if (first !== undefined && inputs.length > 0) {
    await ports.roots.add(first.lease.request.inputsOwner, inputs);
  }
  await mapBounded(begun, async ({ lease: { request }, outputs }) => {
    await ports.files.create(request);
    await ports.roots.add(rootsOwner(request.leaseId), [request.drvPath, ...outputs]);
  });
}

function start(begun: readonly Begun[], message: BuildMessage, ports: BuildLeasesPorts): void {
  if (begun.length === 0) {
    return;
  }
  const { builds, files, log } = ports;
  const spools = new Map<LeaseId, LogSpool>();
  const byId = new Map(begun.map(({ lease }) => [lease.request.leaseId, lease]));
  for (const { lease } of begun) {
    const { leaseId } = lease.request;
    const onTrouble = (): void => {
      lease.stoppedFor ??= 'spool';
      builds.cancel(leaseId);
    };
    spools.set(leaseId, files.openSpool(leaseId, onTrouble));
  }
  const observer: BuildObserver = {
    started(leaseId) {
      const lease = byId.get(leaseId);
      if (lease !== undefined) {
        log.info({ lease: leaseId, name: storePathName(lease.request.drvPath) }, 'a build began');
        ports.leases.started(lease);
      }
    },
    lines: (leaseId, lines) => spools.get(leaseId)?.append(lines),
    room: (leaseId) => spools.get(leaseId)?.room(),
    ended(leaseId, ending) {
      const lease = byId.get(leaseId);
      if (lease !== undefined) {
        void end(lease, ending, ports);
      }
    },
  };
  builds.start(
    begun.map(({ lease: { request } }) => ({ leaseId: request.leaseId, drvPath: request.drvPath })),
    message.slots,
    {
      timeoutMs: message.timeout_ms,
      maxSilentMs: message.max_silent_ms,
      maxLogBytes: message.max_log_bytes,
    },
    observer,
  );
}

/** Its log is whole and its ending written before anybody hears of it. */
async function end(
  lease: Lease,
  judged: BuildEnding,
  { leases, files, clock, log }: BuildLeasesPorts,
): Promise<void> {
  const { leaseId, drvPath } = lease.request;
  const spool = files.openSpool(leaseId, () => undefined);
  const logLines = await spool.close();
  const ending = endingOf(lease, judged, spool.trouble);
  const ended = { ending, logLines, at: clock.now() };
  await files.writeEnd(leaseId, ended).catch((error: unknown) => {
    log.warn({ lease: leaseId, reason: messageOf(error) }, 'how a build ended would not survive a restart');
  });
  const reason = 'reason' in ending ? { reason: ending.reason.slice(0, 500) } : {};
  log.info({ lease: leaseId, name: storePathName(drvPath), ending: ending.kind, ...reason }, 'a build ended');
  leases.ended(lease, ended);
}
