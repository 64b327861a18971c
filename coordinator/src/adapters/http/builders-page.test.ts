/** What people see of builders, and what the page tells them to do. */
import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import { toLeaseId } from '@argunix/shared/domain/ids';
import { expect, test } from 'vitest';
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
  runningStep,
} from '../../../test/fakes/fake-queue.ts';
import { startHttpServer } from '../../../test/fakes/http-server.ts';
import type { BuilderState } from '../../domain/queue-snapshot.ts';
import type { Presence } from '../../ports/builder-presence.ts';
import type { EnrolledBuilder } from '../../ports/builder-store.ts';

// The fake server's clock.
const NOW = Date.parse('2026-03-01T12:05:00.000Z');
const ago = (seconds: number): ReturnType<typeof toEpochMs> => toEpochMs(NOW - seconds * 1000);
const STRANGER = { 'x-forwarded-for': '203.0.113.9' };
const HOSTILE = '<img src=x onerror=alert(1)>"\'\u202e';

async function hosts(
  builders: FakeBuilders,
  roster: readonly BuilderState[] = [builderState({ name: 'rack-1' })],
  headers: Record<string, string> = {},
): Promise<string> {
  const running = [runningStep({ drvPath: drv('gcc-14.2.0'), leaseId: toLeaseId(7), builder: 'rack-1' })];
  const server = await startHttpServer({
    builders: createFakeBuilders(builders),
    queue: createFakeQueue({ builders: roster, snapshot: { ...EMPTY_SNAPSHOT, running } }),
  });
  return (await server.inject({ url: '/hosts', headers: { accept: 'text/html', ...headers } })).body;
}

/** One builder that is there, with what is special about it. */
async function card(enrolled: Partial<EnrolledBuilder>, present: Partial<Presence>): Promise<string> {
  return await hosts({ enrolled: [enrolledBuilder(enrolled)], presences: [presence(present)] });
}

test('a drained builder says since when, and how it gets work again', async () => {
  const body = await card({ drainedAt: ago(7_200) }, {});

  expect(body).toMatch(/drained<\/span>/);
  expect(body).toMatch(/Drained .*2 h ago.*gets nothing new/s);
  expect(body).toContain('argunixctl builders resume rack-1');
});

test('a builder that is low on disk says how low, and how to make room', async () => {
  const body = await card({}, { pause: { why: 'low_disk', reason: '3 GiB of 200 GiB are left.' } });

  expect(body).toMatch(/low on disk.*3 GiB of 200 GiB are left\..*nix-collect-garbage/s);
  expect(body).not.toContain('builders resume');
});

test('a builder that is low on disk and drained says both', async () => {
  const body = await card({ drainedAt: ago(60) }, { pause: { why: 'low_disk', reason: 'It is full.' } });

  expect(body).toMatch(/It is full\..*nix-collect-garbage.*builders resume rack-1/s);
});

test('a builder whose agent was told to take nothing new says so, and promises no command that would not help', async () => {
  const body = await card({}, { pause: { why: 'drained', reason: 'It was asked to on its own host.' } });

  expect(body).toContain('It was asked to on its own host.');
  expect(body).not.toContain('builders resume');
});

test('a builder whose agent stops says when it is back', async () => {
  expect(await card({}, { pause: { why: 'stopping', reason: 'SIGTERM' } })).toContain(
    'back once its agent is started again',
  );
});

test('a revoked builder says how it comes back and how its name gets free', async () => {
  const body = await hosts({ enrolled: [enrolledBuilder({ name: 'old', revokedAt: ago(90_000) })] });

  expect(body).toMatch(/revoked.*Revoked .*1 d ago/s);
  expect(body).toContain('argunixctl builders unrevoke old');
  expect(body).toContain('argunixctl builders remove old');
});

test('a builder that is away says since when and why; one that never came says where to look', async () => {
  const body = await hosts(
    {
      enrolled: [enrolledBuilder(), enrolledBuilder({ name: 'new', offer: null, enrolledAt: ago(120) })],
      presences: [presence({ isConnected: false, since: ago(240), lossReason: 'It was silent for 15 s.' })],
    },
    [builderState({ name: 'rack-1', state: 'absent' })],
  );

  expect(body).toMatch(/rack-1.*It left .*4 min ago.*It was silent for 15 s\..*comes back by itself/s);
  expect(body).toMatch(/new.*It enrolled .*2 min ago.*has not said yet what it can build/s);
});

test('the host of a builder is shown in bars that say it in words too, and warn when it is nearly full', async () => {
  const { stats } = presence();
  const body = await card({}, { stats: stats && { ...stats, disk_free_bytes: 2 ** 30 } });

  expect(body).toContain('aria-label="Load 5.3 on 16 cores"');
  expect(body).toContain('aria-label="12 GiB of 64 GiB of memory in use"');
  expect(body).toMatch(/aria-label="1 GiB of 1 TiB of disk free"><rect[^>]*><rect class="f-timed_out"/);
});

test('figures that make no sense break no page', async () => {
  const stats = {
    load_1: 0,
    cores: 0,
    memory_used_bytes: 5,
    memory_total_bytes: 0,
    disk_free_bytes: 9,
    disk_total_bytes: 1,
    building: 0,
  };

  const body = await card({}, { stats });

  expect(body).not.toMatch(/NaN|Infinity|width="-/);
});

test('a transfer shows how far it is, how fast, what is left and for whom', async () => {
  const body = await card({}, { transfers: [transfer({ leases: [toLeaseId(7)], startedAt: ago(15) })] });

  expect(body).toMatch(
    /sending inputs.*11 of 14 paths left · 700 MiB of 2 GiB · 50 MiB\/s · about 27 s to go/s,
  );
});

test('a transfer that waits, or of which nothing is known yet, claims no progress', async () => {
  const nothing = { pathsDone: 0, pathsTotal: 0, bytesDone: 0, bytesTotal: 0, bytesPerSecond: 0 };
  const body = await card(
    {},
    {
      transfers: [
        transfer({ ...nothing, step: 'waiting', direction: 'pull' }),
        transfer({ ...nothing, step: 'asking' }),
      ],
    },
  );

  expect(body).toContain('waits to fetch outputs');
  expect(body).toContain('asking which inputs are missing');
  expect(body).not.toMatch(/NaN|paths left|to go/);
});

test('how a builder is added is said where one can enroll, and what to configure where none can', async () => {
  const open = await hosts({ hostKey: HOST_KEY });
  const stranger = await hosts({ hostKey: HOST_KEY }, undefined, STRANGER);
  const closed = await hosts({});

  expect(open).toMatch(
    /argunixctl builders invite NAME.*argunix-builder --argunix-host=ci\.example\.com --argunix-port=2222/s,
  );
  expect(open).toContain(HOST_KEY);
  expect(stranger).toContain('argunixctl builders invite NAME');
  expect(stranger).not.toMatch(/port=2222|SHA256/);
  expect(closed).toMatch(/builder_enrollment:\s+listen/);
});

test('who was turned away is told to whoever asks from this host', async () => {
  const refusals = [{ at: ago(5), from: '203.0.113.7', reason: 'The invitation was used.' }];

  expect(await hosts({ hostKey: HOST_KEY, refusals })).toMatch(/203\.0\.113\.7.*The invitation was used\./s);
  expect(await hosts({ hostKey: HOST_KEY, refusals }, undefined, STRANGER)).not.toContain('203.0.113.7');
});

test('nothing that a builder says runs as code', async () => {
  const body = await hosts(
    {
      hostKey: HOST_KEY,
      enrolled: [
        enrolledBuilder({ name: HOSTILE, drainedAt: ago(1) }),
        enrolledBuilder({ name: `${HOSTILE}2`, revokedAt: ago(1), nixVersion: HOSTILE }),
        enrolledBuilder({ name: `${HOSTILE}3` }),
      ],
      presences: [
        presence({ name: HOSTILE, agentVersion: HOSTILE, pause: { why: 'low_disk', reason: HOSTILE } }),
        presence({ name: `${HOSTILE}3`, isConnected: false, lossReason: HOSTILE }),
      ],
      refusals: [{ at: ago(5), from: HOSTILE, reason: HOSTILE }],
    },
    [builderState({ name: HOSTILE, offer: { features: [HOSTILE], systems: [HOSTILE] } })],
  );

  expect(body).toContain('&lt;img src=x');
  expect(body).not.toContain('<img src=x');
});
