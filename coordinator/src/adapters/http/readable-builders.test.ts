/** What of builders is told to whom. */
import { BuilderView } from '@argunix/shared/control-api/builder-views';
import { StatusView } from '@argunix/shared/control-api/status-view';
import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import { toJobId, toLeaseId } from '@argunix/shared/domain/ids';
import { expect, test } from 'vitest';
import { z } from 'zod';
import {
  createFakeBuilders,
  enrolledBuilder,
  type FakeBuilders,
  HOST_KEY,
  presence,
  transfer,
} from '../../../test/fakes/fake-builders.ts';
import {
  builderState,
  createFakeQueue,
  drv,
  EMPTY_SNAPSHOT,
  type FakeQueueState,
  runningStep,
} from '../../../test/fakes/fake-queue.ts';
import { smallRows, startHttpServer } from '../../../test/fakes/http-server.ts';
import { repositoryRow } from '../../../test/fakes/view-rows.ts';
import type { HttpServer } from './server.ts';

// The fake server's clock.
const NOW = Date.parse('2026-03-01T12:05:00.000Z');
const ago = (seconds: number): ReturnType<typeof toEpochMs> => toEpochMs(NOW - seconds * 1000);
/** As a proxy asks for somebody else. */
const STRANGER = { 'x-forwarded-for': '203.0.113.9' };

async function serve(builders: FakeBuilders, queue: Partial<FakeQueueState> = {}): Promise<HttpServer> {
  return await startHttpServer({
    builders: createFakeBuilders(builders),
    queue: createFakeQueue({ builders: [builderState({ name: 'rack-1', slotsUsed: 3 })], ...queue }),
    nixVersionOf: () => null,
  });
}

async function rack1(server: HttpServer, headers: Record<string, string> = {}): Promise<BuilderView> {
  return BuilderView.parse((await server.inject({ url: '/api/v1/builders/rack-1', headers })).json());
}

const revokedAt = ago(600);
const drainedAt = ago(300);
const pause = { why: 'low_disk' as const, reason: '2 GiB left on /dev/sda1.' };
const quarantine = { since: ago(60), until: ago(-60), failures: 3, reason: 'It broke.' };

test.each<[BuilderView['state'], Parameters<typeof builderState>[0], FakeBuilders]>([
  ['ready', {}, { presences: [presence()] }],
  ['paused', {}, { enrolled: [enrolledBuilder({ drainedAt })], presences: [presence()] }],
  ['paused', {}, { enrolled: [enrolledBuilder()], presences: [presence({ pause })] }],
  ['paused', { state: 'quarantined', quarantine }, { enrolled: [enrolledBuilder({ drainedAt })] }],
  ['quarantined', { state: 'quarantined', quarantine }, {}],
  ['absent', { state: 'absent' }, { enrolled: [enrolledBuilder({ drainedAt })] }],
  ['revoked', { state: 'absent' }, { enrolled: [enrolledBuilder({ revokedAt, drainedAt })] }],
])('it is %s when the queue says %j and the others %j', async (state, inQueue, builders) => {
  const server = await serve(builders, { builders: [builderState({ name: 'rack-1', ...inQueue })] });

  expect((await rack1(server)).state).toBe(state);
});

test('builders that the queue does not reckon with are told after those it does', async () => {
  const server = await serve({
    enrolled: [
      enrolledBuilder(),
      enrolledBuilder({ name: 'new', offer: null, nixVersion: null, lastSeenAt: ago(90) }),
      enrolledBuilder({ name: 'old', revokedAt }),
    ],
  });

  const builders = z.array(BuilderView).parse((await server.inject({ url: '/api/v1/builders' })).json());

  expect(builders.map(({ name, state }) => [name, state])).toEqual([
    ['rack-1', 'ready'],
    ['new', 'absent'],
    ['old', 'revoked'],
  ]);
  expect(builders[1]).toMatchObject({ systems: [], slots: 0, absent_since: '2026-03-01T12:03:30.000Z' });
  expect(builders[2]).toMatchObject({ nix_version: '2.31.2', absent_since: null });
});

test('the times of a builder are those of its connection', async () => {
  const enrolled = [enrolledBuilder({ lastSeenAt: ago(100) })];
  const there = await rack1(
    await serve({ enrolled, presences: [presence({ since: ago(500), heardAt: ago(2) })] }),
  );
  const lost = presence({
    isConnected: false,
    since: ago(240),
    heardAt: ago(250),
    lossReason: 'It was silent.',
  });
  const away = await rack1(
    await serve(
      { enrolled, presences: [lost] },
      { builders: [builderState({ name: 'rack-1', state: 'absent' })] },
    ),
  );

  expect(there).toMatchObject({
    connected_since: '2026-03-01T11:56:40.000Z',
    last_seen_at: '2026-03-01T12:04:58.000Z',
    heartbeat_age_ms: 2000,
    loss_reason: null,
  });
  expect(away).toMatchObject({
    connected_since: null,
    absent_since: '2026-03-01T12:01:00.000Z',
    last_seen_at: '2026-03-01T12:03:20.000Z',
    heartbeat_age_ms: null,
    loss_reason: 'It was silent.',
  });
});

test('whoever asks from this host sees how the host of a builder is, a stranger does not', async () => {
  const server = await serve({
    enrolled: [enrolledBuilder({ drainedAt })],
    presences: [presence({ pause })],
    hostKey: HOST_KEY,
    refusals: [{ at: ago(5), from: '203.0.113.7:4022', reason: 'The invitation was used.' }],
  });

  const own = await rack1(server);
  const theirs = await rack1(server, STRANGER);

  expect(own).toMatchObject({ paused: pause, agent_version: '0.1.0', stats: { cores: 16 } });
  expect(own.enrolled?.key_fingerprint).toMatch(/^SHA256:[\w+/]{43}$/);
  expect(theirs).toMatchObject({
    name: 'rack-1',
    state: 'paused',
    slots: 4,
    paused: { why: 'low_disk', reason: 'Its disk is nearly full.' },
    enrolled: { key_fingerprint: null },
    agent_version: null,
    round_trip_ms: null,
    heartbeat_age_ms: null,
    stats: null,
  });
  for (const accept of ['text/html', 'application/json']) {
    for (const url of ['/', '/hosts', '/api/v1/status', '/api/v1/builders', '/api/v1/builders/rack-1']) {
      const { body } = await server.inject({ url, headers: { ...STRANGER, accept } });
      expect(body, url).not.toMatch(/SHA256|203\.0\.113|sda1|[:=]2222|68719476736|GiB/);
    }
  }
});

test('the door is told to whoever asks from this host: where, with which key, and who was turned away', async () => {
  const server = await serve({
    hostKey: HOST_KEY,
    address: '[::]:2222',
    refusals: [{ at: ago(5), from: '203.0.113.7', reason: 'The invitation was used.' }],
  });

  const status = async (headers: Record<string, string>): Promise<StatusView> =>
    StatusView.parse((await server.inject({ url: '/api/v1/status', headers })).json());

  expect(await status({})).toMatchObject({
    builder_enrollment: { address: 'ci.example.com:2222', host_key_fingerprint: HOST_KEY },
    refusals: [{ from: '203.0.113.7' }],
  });
  expect(await status(STRANGER)).toMatchObject({ builder_enrollment: null, refusals: [] });
});

const [OURS, THEIRS] = [toLeaseId(7), toLeaseId(8)];
const moving: Partial<FakeQueueState> = {
  snapshot: {
    ...EMPTY_SNAPSHOT,
    running: [
      runningStep({ drvPath: drv('hello'), leaseId: OURS, builder: 'rack-1', jobIds: [toJobId(1)] }),
      runningStep({ drvPath: drv('secret'), leaseId: THEIRS, builder: 'rack-1', jobIds: [toJobId(2)] }),
    ],
  },
};

test('a transfer is told with the steps that it is for', async () => {
  const server = await serve(
    { presences: [presence({ transfers: [transfer({ leases: [OURS] })] })] },
    moving,
  );

  expect((await rack1(server, STRANGER)).transfers).toEqual([
    expect.objectContaining({
      direction: 'push',
      step: 'sending',
      paths_done: 3,
      paths_total: 14,
      bytes_per_second: 52_428_800,
      step_count: 1,
      steps: [expect.objectContaining({ name: 'hello', lease_id: 7 })],
    }),
  ]);
});

test('a transfer for nothing that a reader may see does not exist for that reader', async () => {
  const server = await startHttpServer({
    rows: smallRows({ repositories: [repositoryRow(), repositoryRow({ slug: 'sealed/vault' })] }),
    builders: createFakeBuilders({
      presences: [
        presence({
          transfers: [
            transfer({ leases: [THEIRS] }),
            transfer({ leases: [THEIRS, OURS], direction: 'pull' }),
          ],
        }),
      ],
    }),
    queue: createFakeQueue({ builders: [builderState({ name: 'rack-1' })], ...moving }),
    mayRead: (_reader, { slug }) => slug !== 'sealed/vault',
  });

  const { transfers } = await rack1(server);

  expect(transfers.map(({ direction, step_count }) => [direction, step_count])).toEqual([['pull', 1]]);
});

test('one builder that is not there is not found', async () => {
  const server = await serve({});

  expect((await server.inject({ url: '/api/v1/builders/nobody' })).statusCode).toBe(404);
});
