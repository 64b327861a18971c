/** Builders of a busy house: one of every state, with transfers, and who was turned away. Times are before `now`. */
import { type EpochMs, toEpochMs } from '@argunix/shared/domain/epoch-ms';
import { toLeaseId } from '@argunix/shared/domain/ids';
import type { Presence, Transfer } from '../../src/ports/builder-presence.ts';
import type { EnrolledBuilder } from '../../src/ports/builder-store.ts';
import { enrolledBuilder, type FakeBuilders, HOST_KEY, presence, transfer } from './fake-builders.ts';

function gib(count: number): number {
  return Math.round(count * 2 ** 30);
}

export function busyBuilders(now: number): FakeBuilders {
  const ago = (seconds: number): EpochMs => toEpochMs(now - seconds * 1000);
  return {
    hostKey: HOST_KEY,
    enrolled: enrolled(ago),
    presences: presences(ago),
    refusals: [
      {
        at: ago(94),
        from: '198.51.100.23:50122',
        reason: 'This key belongs to builder rack-2, not <b>rack-9</b>. Start the agent with --name rack-2.',
      },
      {
        at: ago(7_300),
        from: '[2001:db8::17]:40022',
        reason: 'The invitation is for another name, was used, or has expired.',
      },
    ],
  };
}

type Ago = (seconds: number) => EpochMs;

function enrolled(ago: Ago): EnrolledBuilder[] {
  const key = (text: string): string => Buffer.from(text).toString('base64');
  const usual = { enrolledAt: ago(2_600_000), offer: null };
  return [
    enrolledBuilder({ ...usual, name: 'rack-1', publicKey: key('1') }),
    enrolledBuilder({ ...usual, name: 'rack-2', publicKey: key('2'), enrolledBy: 'token' }),
    enrolledBuilder({ ...usual, name: 'rack-3', publicKey: key('3'), drainedAt: ago(7_900) }),
    enrolledBuilder({ ...usual, name: 'rack-4', publicKey: key('4') }),
    enrolledBuilder({ ...usual, name: 'laptop', publicKey: key('5') }),
    enrolledBuilder({
      ...usual,
      name: 'newcomer',
      publicKey: key('6'),
      enrolledAt: ago(260),
      lastSeenAt: ago(260),
    }),
    enrolledBuilder({
      name: 'retired',
      publicKey: key('7'),
      enrolledAt: ago(30_000_000),
      revokedAt: ago(430_000),
    }),
  ];
}

function presences(ago: Ago): Presence[] {
  const stats = presence().stats;
  return [
    presence({ name: 'rack-1', since: ago(260_000), heardAt: ago(3), transfers: transfers(ago) }),
    presence({
      name: 'rack-2',
      since: ago(9_000),
      heardAt: ago(1),
      roundTripMs: 41,
      stats: stats && { ...stats, disk_free_bytes: gib(0.2), memory_used_bytes: gib(30), load_1: 0.1 },
    }),
    presence({
      name: 'rack-3',
      since: ago(90_000),
      heardAt: ago(6),
      pause: { why: 'drained', reason: 'An operator drained it.' },
      stats: stats && { ...stats, memory_used_bytes: gib(61), load_1: 17.4 },
    }),
    presence({
      name: 'rack-4',
      since: ago(90_000),
      heardAt: ago(2),
      pause: { why: 'low_disk', reason: 'The file system of /nix/store has 3.1 GiB left of 200 GiB.' },
      stats: stats && { ...stats, disk_free_bytes: gib(3.1), disk_total_bytes: gib(200) },
    }),
    presence({
      name: 'laptop',
      isConnected: false,
      since: ago(8_000),
      heardAt: ago(8_016),
      lossReason: 'It gave no sign of life for 15 s.',
      stats: null,
    }),
    presence({
      name: 'newcomer',
      isConnected: false,
      since: null,
      heardAt: null,
      stats: null,
      agentVersion: null,
    }),
  ];
}

function transfers(ago: Ago): Transfer[] {
  return [
    transfer({ leases: [toLeaseId(903)], startedAt: ago(16) }),
    transfer({
      direction: 'pull',
      leases: [toLeaseId(900)],
      pathsDone: 1,
      pathsTotal: 2,
      bytesDone: gib(3.9),
      bytesTotal: gib(4.2),
      bytesPerSecond: 88 * 2 ** 20,
      startedAt: ago(48),
    }),
    transfer({
      leases: [toLeaseId(910), toLeaseId(911)],
      step: 'waiting',
      pathsDone: 0,
      pathsTotal: 0,
      bytesDone: 0,
      bytesTotal: 0,
      bytesPerSecond: 0,
      startedAt: ago(2),
    }),
    transfer({
      leases: [toLeaseId(912)],
      step: 'substituting',
      pathsDone: 31,
      pathsTotal: 212,
      bytesDone: 0,
      bytesTotal: 0,
      bytesPerSecond: 0,
      startedAt: ago(71),
    }),
  ];
}
