/** What people see of the queue: why each job is where it is, what runs, what is next. */
import { jobPath } from '@argunix/shared/control-api/paths';
import { QueueView, WhyView } from '@argunix/shared/control-api/queue-views';
import type { EvaluationView, JobView } from '@argunix/shared/control-api/views';
import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import { toJobId, toLeaseId } from '@argunix/shared/domain/ids';
import { JOB_STATUSES } from '@argunix/shared/domain/job-status';
import { expect, test } from 'vitest';
import {
  asRepositoryId,
  builderState,
  createFakeDirectory,
  createFakeQueue,
  drv,
  EMPTY_SNAPSHOT,
  type FakeQueueState,
  runningStep,
} from '../../../test/fakes/fake-queue.ts';
import { smallRows, startHttpServer } from '../../../test/fakes/http-server.ts';
import { createFakeJobLogs, numberLines } from '../../../test/fakes/job-logs.ts';
import { DEMO, evaluationRow, jobRow } from '../../../test/fakes/view-rows.ts';
import { createFakeViews } from '../../../test/fakes/views.ts';
import type { Waiting } from '../../domain/queue-snapshot.ts';
import type { HttpServer } from './server.ts';

const HTML = { accept: 'text/html' };
const ATTR = 'packages.a';
const PAGE = jobPath(DEMO, 1, ATTR);
// The fake server's clock.
const NOW = Date.parse('2026-03-01T12:05:00.000Z');
const SHARED = drv('gcc-14.2.0');
const BUSY: Waiting = { kind: 'busy', sentence: 'All 4 slots of local are in use.', until: null, needs: [] };

async function serve(
  jobs: readonly JobView[],
  queue: Partial<FakeQueueState> = {},
  evaluation: Partial<EvaluationView> = {},
): Promise<HttpServer> {
  const rows = smallRows({
    evaluations: [
      evaluationRow({ id: 1, status: 'building', outcome: null, finished_at: null, ...evaluation }),
    ],
    jobs: [...jobs],
  });
  const lease = { drvPath: SHARED, builder: 'rack-1', startedAt: null, endedAt: null, jobIds: [] };
  return await startHttpServer({
    rows,
    views: createFakeViews(rows),
    queue: createFakeQueue(queue),
    directory: createFakeDirectory(rows, new Map([[toLeaseId(9), lease]])),
    logs: createFakeJobLogs(new Map(), new Set(), new Map([[9, numberLines(['checking for cc... cc'])]])),
  });
}

function queuedJob(given: Partial<JobView> = {}): JobView {
  return jobRow({
    id: 1,
    eval_id: 1,
    attr: ATTR,
    status: 'queued',
    started_at: null,
    finished_at: null,
    ...given,
  });
}

async function pageAt(server: HttpServer, url: string): Promise<string> {
  return (await server.inject({ url, headers: HTML })).body;
}

async function whyOf(server: HttpServer): Promise<WhyView> {
  return WhyView.parse((await server.inject({ url: '/api/v1/jobs/1/why' })).json());
}

test.each(JOB_STATUSES)('why a job is %s is answered, by the API and on its page', async (status) => {
  const hasEnded = status !== 'queued' && status !== 'running';
  const job = queuedJob({ status, finished_at: hasEnded ? '2026-03-01T12:00:52.000Z' : null });
  const server = await serve([job], { why: new Map([[1, BUSY]]) });

  const why = await whyOf(server);

  expect(why.status).toBe(status);
  expect(why.reason).toMatch(/^[A-Z].*\.$/);
  expect(await pageAt(server, PAGE)).toContain(why.reason);
});

test.each(['needs', 'busy', 'absent', 'resting', 'next'] as const)(
  'a job that waits (%s) says so in one sentence, with the time when that ends',
  async (kind) => {
    const waiting: Waiting = { kind, sentence: 'It is so.', until: toEpochMs(NOW + 90_000), needs: [] };
    const server = await serve([queuedJob()], { why: new Map([[1, waiting]]) });

    expect(await whyOf(server)).toMatchObject({
      kind,
      reason: 'It is so.',
      until: '2026-03-01T12:06:30.000Z',
    });
    expect(await pageAt(server, PAGE)).toMatch(/It is so\..*in 2 min/s);
  },
);

test.each([
  ['evaluating', /evaluation is not finished/],
  ['queued', /turn to be evaluated/],
] as const)('a job of an evaluation that is %s says that it waits for that', async (status, sentence) => {
  const server = await serve([queuedJob()], {}, { status });

  const why = await whyOf(server);
  expect(why.kind).toBe('evaluating');
  expect(why.reason).toMatch(sentence);
  expect(await pageAt(server, '/r/here/demo/sample/eval/1')).toMatch(sentence);
});

test('a job that runs says where, in which phase and since when', async () => {
  const job = queuedJob({ status: 'running', phase: 'build', started_at: '2026-03-01T12:00:10.000Z' });
  const server = await serve([job]);

  expect(await whyOf(server)).toMatchObject({
    kind: 'running',
    phase: 'build',
    builder: 'local',
    since: '2026-03-01T12:00:10.000Z',
  });
});

const NEEDS: Waiting = {
  kind: 'needs',
  sentence: 'Waits for gcc-14.2.0 and b, which it needs.',
  until: null,
  needs: [
    { drvPath: SHARED, jobIds: [] },
    { drvPath: drv('b'), jobIds: [toJobId(2)] },
  ],
};
const SHARED_RUNS: FakeQueueState['snapshot'] = {
  ...EMPTY_SNAPSHOT,
  counts: { ready: 0, waiting: 1, running: 1, internal: 1 },
  running: [
    runningStep({
      drvPath: SHARED,
      leaseId: toLeaseId(9),
      builder: 'rack-1',
      startedAt: toEpochMs(NOW - 60_000),
      isInternal: true,
      jobIds: [toJobId(1)],
      jobCount: 12,
    }),
  ],
};

test('the page of a job links what it waits for: a job to its page, a shared dependency to its log', async () => {
  const other = jobRow({ id: 2, eval_id: 1, attr: 'packages.b', status: 'queued', finished_at: null });
  const server = await serve([queuedJob(), other], { why: new Map([[1, NEEDS]]), snapshot: SHARED_RUNS });

  const body = await pageAt(server, PAGE);

  expect(body).toContain(`href="${jobPath(DEMO, 1, 'packages.b')}"`);
  expect(body).toContain('href="/leases/9"');
  expect(body).toContain('shared dependency of 12 jobs');
});

test('a shared dependency is shown as one, wherever it runs, and its page has its log', async () => {
  const server = await serve([queuedJob()], {
    why: new Map([[1, NEEDS]]),
    snapshot: SHARED_RUNS,
    builders: [builderState({ name: 'rack-1', slotsUsed: 1 })],
  });

  for (const url of ['/queue', '/hosts', '/leases/9']) {
    expect(await pageAt(server, url), url).toMatch(/gcc-14\.2\.0.*shared dependency of 12 jobs/s);
  }
  expect(await pageAt(server, '/leases/9')).toContain('checking for cc... cc');
  expect((await server.inject({ url: '/leases/8' })).statusCode).toBe(404);
});

test('the page of a lease that ran for a job names that job, and calls it no shared dependency', async () => {
  const job = jobRow({ id: 1, eval_id: 1, attr: ATTR });
  const rows = smallRows({ jobs: [job] });
  const lease = { drvPath: drv('a'), builder: 'local', startedAt: null, endedAt: null, jobIds: [1] };
  const server = await startHttpServer({
    rows,
    directory: createFakeDirectory(rows, new Map([[toLeaseId(5), lease]])),
  });

  const body = await pageAt(server, '/leases/5');

  expect(body).toContain(`href="${PAGE}"`);
  expect(body).not.toContain('shared dependency');
});

test('only a job that waits follows the queue', async () => {
  const waiting = await serve([queuedJob()], { why: new Map([[1, BUSY]]) });
  const ended = await serve([jobRow({ id: 1, eval_id: 1, attr: ATTR })]);

  expect(await pageAt(waiting, PAGE)).toContain('data-queue');
  expect(await pageAt(ended, PAGE)).not.toContain('data-queue');
});

const EARLIER = {
  job_id: 7,
  eval_id: 3,
  attr: 'packages.broken',
  repo: DEMO,
  url: '/job',
  log_url: '/log',
  failed_at: '2026-03-01T11:05:00.000Z',
  until: '2026-03-02T11:05:00.000Z',
};

test('a job that was not built because of an earlier failure says when, where, and until when', async () => {
  const job = queuedJob({ status: 'failure', finished_at: '2026-03-01T12:00:00.000Z', log_url: null });
  const held = await pageAt(await serve([{ ...job, earlier: EARLIER }]), PAGE);
  const over = await pageAt(
    await serve([{ ...job, earlier: { ...EARLIER, until: '2026-03-01T12:04:59.000Z' } }]),
    PAGE,
  );

  expect(held).toMatch(/It failed the same way .*1 h ago/);
  expect(held).toContain(`href="${jobPath(DEMO, 3, 'packages.broken')}"`);
  expect(held).toContain(`href="${jobPath(DEMO, 3, 'packages.broken')}/log"`);
  expect(held).toMatch(/not built again until .*2026-03-02 11:05 UTC.* unless somebody restarts it/);
  expect(over).not.toContain('not built again');
});

test('a log that is not of the job itself says whose it is', async () => {
  const job = queuedJob({
    status: 'dependency_failed',
    finished_at: '2026-03-01T12:00:00.000Z',
    log_drv_path: SHARED,
  });

  expect(await pageAt(await serve([job]), PAGE)).toMatch(/This is the log of .*gcc-14\.2\.0/);
});

test('a queue of thousands is a page of some hundred rows', async () => {
  const jobs = Array.from({ length: 5_000 }, (_, index) =>
    queuedJob({ id: index + 1, attr: `packages.p${index}` }),
  );
  const ids = jobs.map(({ id }) => toJobId(id));
  const server = await serve(jobs, {
    snapshot: {
      ...EMPTY_SNAPSHOT,
      counts: { ready: 4_000, waiting: 0, running: 1_000, internal: 0 },
      running: ids
        .slice(0, 1_000)
        .map((id) => runningStep({ drvPath: drv(`p${id}`), leaseId: toLeaseId(id), jobIds: [id] })),
      next: ids.slice(1_000).map((id) => ({
        drvPath: drv(`p${id}`),
        isInternal: false,
        isBumped: false,
        repositoryId: asRepositoryId(1),
        jobIds: [id],
        jobCount: 1,
        readySince: toEpochMs(NOW),
      })),
    },
  });

  const view = QueueView.parse((await server.inject({ url: '/api/v1/queue?limit=50' })).json());
  const body = await pageAt(server, '/queue');

  expect([view.running.length, view.next.length]).toEqual([50, 50]);
  expect(body.match(/<li class="row">/g)?.length).toBeLessThan(150);
  expect(body).toContain('and 900 more');
});

test('the status page says why the work that has waited longest waits', async () => {
  const line = {
    system: 'x86_64-linux',
    requiredFeatures: [],
    isTrusted: true,
    ready: 3,
    builders: ['local'],
  };
  const server = await serve([queuedJob()], {
    snapshot: {
      ...EMPTY_SNAPSHOT,
      counts: { ready: 4, waiting: 0, running: 0, internal: 0 },
      lines: [
        { ...line, oldestReadySince: toEpochMs(NOW - 1_000), sentence: 'Not this one.' },
        { ...line, oldestReadySince: toEpochMs(NOW - 600_000), sentence: 'All of rack-1 is taken.' },
      ],
    },
  });

  const body = await pageAt(server, '/');

  expect(body).toMatch(/4 ready to be built.*10 min.*All of rack-1 is taken\./s);
  expect(body).not.toContain('Not this one.');
});

test('each builder says how it is: busy, set aside with the reason and the next try, or away', async () => {
  const server = await serve([], {
    builders: [
      builderState({ slotsUsed: 3 }),
      builderState({
        name: 'rack-2',
        state: 'quarantined',
        quarantine: {
          since: toEpochMs(NOW - 60_000),
          until: toEpochMs(NOW + 240_000),
          failures: 3,
          reason: 'Its disk is full.',
        },
      }),
      builderState({
        name: 'laptop',
        state: 'absent',
        isExpectedOffline: true,
        leftAt: toEpochMs(NOW - 3_600_000),
      }),
    ],
  });

  const body = await pageAt(server, '/hosts');

  expect(body).toContain('aria-label="3 of 4 slots in use"');
  expect(body).toMatch(/rack-2.*Its disk is full\..*3 failures.*in 4 min/s);
  expect(body).toMatch(/laptop.*It left .*1 h ago.*Its work waits for it\./s);
});
