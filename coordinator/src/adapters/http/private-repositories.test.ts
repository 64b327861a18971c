/** A private repository looks like none at all, on every route there is. */

import { BuilderView } from '@argunix/shared/control-api/builder-views';
import { QueueView, WhyView } from '@argunix/shared/control-api/queue-views';
import { StatusView } from '@argunix/shared/control-api/status-view';
import { EvaluationView, JobView } from '@argunix/shared/control-api/views';
import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import { toJobId, toLeaseId } from '@argunix/shared/domain/ids';
import { beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import type { FakeLeases } from '../../../test/fakes/busy-queue.ts';
import {
  asRepositoryId,
  builderState,
  createFakeDirectory,
  createFakeQueue,
  drv,
  runningStep,
} from '../../../test/fakes/fake-queue.ts';
import { startHttpServer } from '../../../test/fakes/http-server.ts';
import { createFakeJobLogs, numberLines } from '../../../test/fakes/job-logs.ts';
import { evaluationRow, jobRow, repositoryRow } from '../../../test/fakes/view-rows.ts';
import { createFakeViews, type FakeRows } from '../../../test/fakes/views.ts';
import type { Waiting } from '../../domain/queue-snapshot.ts';
import type { MayRead } from '../../ports/may-read.ts';
import type { HttpServer } from './server.ts';

const SECRET = { forge: 'here', slug: 'sealed/vault' };
const OPEN = { forge: 'here', slug: 'demo/sample' };
const TOKEN = 'let-me-in';
const ATTR = 'packages.x86_64-linux.whisper';
// Every word that could only come from the private repository.
const TRACES = /sealed|vault|whisper|murmur/;

const rows: FakeRows = {
  repositories: [repositoryRow(SECRET), repositoryRow(OPEN)],
  evaluations: [
    evaluationRow({ id: 1, repo: OPEN, status: 'building', outcome: null, finished_at: null }),
    evaluationRow({ id: 2, repo: SECRET, status: 'building', outcome: null }),
    evaluationRow({ id: 3, repo: SECRET, status: 'queued', outcome: null }),
  ],
  jobs: [
    jobRow({ id: 1, eval_id: 1, attr: 'packages.x86_64-linux.open' }),
    jobRow({ id: 2, eval_id: 2, attr: ATTR, status: 'running' }, SECRET),
    jobRow({
      id: 3,
      eval_id: 1,
      attr: 'packages.waits',
      status: 'queued',
      started_at: null,
      finished_at: null,
    }),
    jobRow({
      id: 4,
      eval_id: 1,
      attr: 'packages.failed',
      status: 'failure',
      log_url: null,
      earlier: {
        job_id: 2,
        eval_id: 2,
        attr: ATTR,
        repo: SECRET,
        url: `/r/here/sealed/vault/eval/2/job/${ATTR}`,
        log_url: '/api/v1/jobs/2/log',
        failed_at: '2026-03-01T11:00:00.000Z',
        until: '2026-03-02T11:00:00.000Z',
      },
    }),
    jobRow({ id: 5, eval_id: 2, attr: 'packages.murmur', status: 'queued', finished_at: null }, SECRET),
  ],
  attempts: new Map([
    [2, [{ number: 1, status: 'error', reason: 'murmur', leaseId: 1, startedAt: null, finishedAt: null }]],
  ]),
};

const mayRead: MayRead = (reader, { slug }) => slug !== SECRET.slug || reader.bearer === TOKEN;

const NOW = toEpochMs(Date.parse('2026-03-01T12:04:00.000Z'));
// Needed by a job of each repository.
const SHARED = drv('glibc-2.40');
const queue = createFakeQueue({
  why: new Map<number, Waiting>([
    [
      3,
      {
        kind: 'needs',
        sentence: 'Waits for 2 derivations that it needs.',
        until: null,
        needs: [
          { drvPath: SHARED, jobIds: [3, 5].map(toJobId) },
          { drvPath: drv('openssl-3'), jobIds: [5].map(toJobId) },
        ],
      },
    ],
  ]),
  snapshot: {
    counts: { ready: 41, waiting: 42, running: 43, internal: 44 },
    lines: [
      {
        system: 'x86_64-linux',
        requiredFeatures: ['sealed-feature'],
        isTrusted: true,
        ready: 41,
        oldestReadySince: NOW,
        sentence: 'whisper stands before it.',
        builders: ['local'],
      },
    ],
    shares: [
      { repositoryId: asRepositoryId(1), weight: 7, ready: 41, running: 43, chargedMs: 999_000 },
      { repositoryId: asRepositoryId(2), weight: 1, ready: 1, running: 0, chargedMs: 5_000 },
    ],
    running: [
      runningStep({ drvPath: drv('whisper'), leaseId: toLeaseId(7), jobIds: [toJobId(2)] }),
      runningStep({
        drvPath: drv('murmuring'),
        leaseId: toLeaseId(8),
        isInternal: true,
        jobIds: [2, 5].map(toJobId),
        jobCount: 12,
      }),
      runningStep({
        drvPath: SHARED,
        leaseId: toLeaseId(9),
        isInternal: true,
        jobIds: [2, 3, 5].map(toJobId),
        jobCount: 12,
      }),
    ],
    next: [
      {
        drvPath: drv('murmur'),
        isInternal: false,
        isBumped: false,
        repositoryId: asRepositoryId(1),
        jobIds: [toJobId(5)],
        jobCount: 1,
        readySince: NOW,
      },
      {
        drvPath: drv('zlib'),
        isInternal: true,
        isBumped: false,
        repositoryId: asRepositoryId(1),
        jobIds: [5, 3].map(toJobId),
        jobCount: 12,
        readySince: NOW,
      },
    ],
  },
  builders: [
    builderState({
      slotsUsed: 3,
      state: 'quarantined',
      quarantine: { since: NOW, until: NOW, failures: 3, reason: `It lost ${drv('whisper')}.` },
    }),
  ],
});
const lease = (name: string, jobIds: readonly number[]): ReturnType<FakeLeases['get']> & object => ({
  drvPath: drv(name),
  builder: 'local',
  startedAt: NOW,
  endedAt: null,
  jobIds,
});
const leases: FakeLeases = new Map([
  [toLeaseId(7), lease('whisper', [])],
  [toLeaseId(8), lease('murmuring', [2, 5])],
  [toLeaseId(9), lease('glibc-2.40', [2, 3, 5])],
]);

// One for each GET route; with what the route answers to somebody who may not read the repository.
const ASKED: readonly (readonly [route: string, url: string, status: number])[] = [
  ['/', '/', 200],
  ['/repos', '/repos', 200],
  ['/hosts', '/hosts', 200],
  ['/queue', '/queue', 200],
  ['/leases/:id', '/leases/7', 404],
  ['/leases/:id', '/leases/8', 404],
  ['/leases/:id', '/leases/9', 200],
  ['/r/*', '/r/here/sealed/vault', 404],
  ['/r/*', '/r/here/sealed/vault/eval/2', 404],
  ['/r/*', `/r/here/sealed/vault/eval/2/job/${ATTR}`, 404],
  ['/r/*', `/r/here/sealed/vault/eval/2/job/${ATTR}/log`, 404],
  ['/r/*', '/r/here/demo/sample/eval/2', 404],
  ['/badge/*', '/badge/here/sealed/vault.svg', 404],
  ['/badge/*', '/badge/here/sealed/vault/main.svg', 404],
  ['/api/v1/status', '/api/v1/status', 200],
  ['/api/v1/repos', '/api/v1/repos', 200],
  ['/api/v1/builders', '/api/v1/builders', 200],
  ['/api/v1/builders/:name', '/api/v1/builders/local', 200],
  ['/api/v1/queue', '/api/v1/queue', 200],
  ['/api/v1/evals', '/api/v1/evals', 200],
  ['/api/v1/evals', '/api/v1/evals?repo=here/sealed/vault', 200],
  ['/api/v1/evals/:id', '/api/v1/evals/2', 404],
  ['/api/v1/evals/:id/jobs', '/api/v1/evals/2/jobs', 404],
  ['/api/v1/jobs/:id', '/api/v1/jobs/2', 404],
  ['/api/v1/jobs/:id/why', '/api/v1/jobs/2/why', 404],
  ['/api/v1/jobs/:id/why', '/api/v1/jobs/3/why', 200],
  ['/api/v1/jobs/:id', '/api/v1/jobs/4', 200],
  ['/r/*', '/r/here/demo/sample/eval/1/job/packages.waits', 200],
  ['/r/*', '/r/here/demo/sample/eval/1/job/packages.failed', 200],
  ['/r/*', '/r/here/demo/sample/eval/1', 200],
];
// These show nothing of any repository.
const SILENT = [
  '/api/v1/openapi.json',
  '/healthz',
  '/readyz',
  '/metrics',
  '/assets/:digest/:name',
  '/favicon.ico',
];

let server: HttpServer;

beforeAll(async () => {
  server = await startHttpServer({
    rows,
    views: createFakeViews(rows),
    queue,
    directory: createFakeDirectory(rows, leases),
    logs: createFakeJobLogs(new Map([[2, numberLines(['murmur'])]])),
    mayRead,
  });
});

test('every route is walked', () => {
  const walked = new Set([...ASKED.map(([route]) => route), ...SILENT]);
  const reading = server.routes.filter((route) => route.startsWith('GET ')).map((route) => route.slice(4));

  expect([...walked].toSorted()).toEqual(reading.toSorted());
});

test.each(ASKED)('%s %s tells a stranger nothing', async (_route, url, status) => {
  for (const accept of ['text/html', 'application/json', '*/*']) {
    const answer = await server.inject({ url, headers: { accept } });

    expect([accept, answer.statusCode]).toEqual([accept, status]);
    expect(answer.body.replaceAll(url, '')).not.toMatch(TRACES);
    expect(JSON.stringify(answer.headers)).not.toMatch(TRACES);
  }
});

test.each(ASKED.filter(([, url]) => !url.includes('demo/sample')))(
  '%s %s answers whoever may read it',
  async (_route, url) => {
    const answer = await server.inject({ url, headers: { authorization: `Bearer ${TOKEN}` } });

    expect(answer.statusCode).toBe(200);
  },
);

test('of the queue a stranger learns what concerns readable jobs, and no total of anything else', async () => {
  const view = QueueView.parse((await server.inject({ url: '/api/v1/queue' })).json());

  expect(view.counts).toEqual({ ready: 1, waiting: 0, running: 1, internal: 2 });
  expect(
    view.running.map(({ name, job_count, jobs }) => [name, job_count, jobs.map(({ id }) => id)]),
  ).toEqual([['glibc-2.40', 1, [3]]]);
  expect(view.next.map(({ name, job_count, repo }) => [name, job_count, repo])).toEqual([['zlib', 1, null]]);
  expect(view.lines.map(({ features, ready }) => [features, ready])).toEqual([[[], 1]]);
  expect(view.shares.map(({ repo, weight }) => [repo.slug, weight])).toEqual([[OPEN.slug, 1]]);
  expect(view.evaluations).toEqual([]);
});

test('whoever may read everything gets the totals of the queue itself', async () => {
  const headers = { authorization: `Bearer ${TOKEN}` };
  const view = QueueView.parse((await server.inject({ url: '/api/v1/queue', headers })).json());

  expect(view.counts).toEqual({ ready: 41, waiting: 42, running: 43, internal: 44 });
  expect(view.running.map(({ job_count }) => job_count)).toEqual([1, 12, 12]);
  expect(view.lines[0]?.sentence).toBe('whisper stands before it.');
  expect(view.evaluations.map(({ id }) => id)).toEqual([3]);
});

test('a job that waits names of what it needs only jobs that the reader may see', async () => {
  const why = WhyView.parse((await server.inject({ url: '/api/v1/jobs/3/why' })).json());

  expect(why.kind).toBe('needs');
  expect(why.needs.map(({ name, jobs, job_count }) => [name, jobs.map(({ id }) => id), job_count])).toEqual([
    ['glibc-2.40', [3], 1],
    ['openssl-3', [], 0],
  ]);
});

test('a failure that stands for another is linked for those who may read it', async () => {
  const url = '/api/v1/jobs/4';
  const headers = { authorization: `Bearer ${TOKEN}` };

  expect(JobView.parse((await server.inject({ url })).json()).earlier).toBeNull();
  expect(JobView.parse((await server.inject({ url, headers })).json()).earlier?.job_id).toBe(2);
});

test('a builder that is busy with what a stranger may not see has a slot less, and counts say nothing of it', async () => {
  const [builder] = z.array(BuilderView).parse((await server.inject({ url: '/api/v1/builders' })).json());
  const status = StatusView.parse((await server.inject({ url: '/api/v1/status' })).json());

  expect(builder).toMatchObject({ slots_used: 3, current: [] });
  expect(builder?.internal_steps.map(({ name }) => name)).toEqual(['glibc-2.40']);
  expect(status.jobs).toEqual({ queued: 1, running: 0 });
  expect(status.evaluations).toEqual({ queued: 0, evaluating: 0, building: 1 });
});

test('what is hidden and what does not exist are told apart by nothing', async () => {
  const hidden = await server.inject({ url: '/api/v1/jobs/2' });
  const absent = await server.inject({ url: '/api/v1/jobs/777' });

  const shape = (body: string): string => body.replace(/"reference":"\w+"/, '');
  expect(shape(hidden.body)).toBe(shape(absent.body));
});

test('a page of evaluations is full although hidden ones stand between', async () => {
  const many: FakeRows = {
    ...rows,
    jobs: [],
    evaluations: Array.from({ length: 30 }, (_, index) =>
      evaluationRow({ id: index + 1, repo: index % 3 === 0 ? OPEN : SECRET }),
    ),
  };
  const busy = await startHttpServer({ views: createFakeViews(many), mayRead });

  const first = await busy.inject({ url: '/api/v1/evals?limit=6' });
  const next = /<([^>]+)>; rel="next"/.exec(String(first.headers['link']))?.[1] ?? '';
  const second = await busy.inject({ url: next });

  const ids = (body: string): number[] =>
    z
      .array(EvaluationView)
      .parse(JSON.parse(body))
      .map(({ id }) => id);
  expect(ids(first.body)).toEqual([28, 25, 22, 19, 16, 13]);
  expect(ids(second.body)).toEqual([10, 7, 4, 1]);
});
