/** A private repository looks like none at all, on every route there is. */
import { EvaluationView } from '@argunix/shared/control-api/views';
import { beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { startHttpServer } from '../../../test/fakes/http-server.ts';
import { createFakeJobLogs, numberLines } from '../../../test/fakes/job-logs.ts';
import { builderRow, evaluationRow, jobRow, repositoryRow } from '../../../test/fakes/view-rows.ts';
import { createFakeViews, type FakeRows } from '../../../test/fakes/views.ts';
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
    evaluationRow({ id: 1, repo: OPEN }),
    evaluationRow({ id: 2, repo: SECRET, status: 'building', outcome: null }),
  ],
  jobs: [
    jobRow({ id: 1, eval_id: 1, attr: 'packages.x86_64-linux.open' }),
    jobRow({ id: 2, eval_id: 2, attr: ATTR, status: 'running' }, SECRET),
  ],
  attempts: new Map([
    [2, [{ number: 1, status: 'error', reason: 'murmur', leaseId: 1, startedAt: null, finishedAt: null }]],
  ]),
};

const mayRead: MayRead = (reader, { slug }) => slug !== SECRET.slug || reader.bearer === TOKEN;

// One for each GET route; with what the route answers to somebody who may not read the repository.
const ASKED: readonly (readonly [route: string, url: string, status: number])[] = [
  ['/', '/', 200],
  ['/repos', '/repos', 200],
  ['/hosts', '/hosts', 200],
  ['/queue', '/queue', 200],
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
  ['/api/v1/queue', '/api/v1/queue', 200],
  ['/api/v1/evals', '/api/v1/evals', 200],
  ['/api/v1/evals', '/api/v1/evals?repo=here/sealed/vault', 200],
  ['/api/v1/evals/:id', '/api/v1/evals/2', 404],
  ['/api/v1/evals/:id/jobs', '/api/v1/evals/2/jobs', 404],
  ['/api/v1/jobs/:id', '/api/v1/jobs/2', 404],
  ['/api/v1/jobs/:id/why', '/api/v1/jobs/2/why', 404],
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
    views: createFakeViews(rows),
    builders: () => [
      builderRow({
        slots_used: 1,
        current: [{ job_id: 2, eval_id: 2, attr: ATTR, repo: SECRET, started_at: null }],
      }),
    ],
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
