import { BuilderView } from '@argunix/shared/control-api/builder-views';
import { LeaseView, QueueView, WhyView } from '@argunix/shared/control-api/queue-views';
import { StatusView } from '@argunix/shared/control-api/status-view';
import { ErrorView, EvaluationView, JobView, RepositoryView } from '@argunix/shared/control-api/views';
import type { LightMyRequestResponse as Response } from 'fastify';
import { beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { busyBuilders } from '../../../test/fakes/busy-builders.ts';
import { busyHouse } from '../../../test/fakes/busy-house.ts';
import { createFakeBuilders } from '../../../test/fakes/fake-builders.ts';
import { createFakeDirectory, createFakeQueue } from '../../../test/fakes/fake-queue.ts';
import { startHttpServer } from '../../../test/fakes/http-server.ts';
import { createFakeViews } from '../../../test/fakes/views.ts';
import type { HttpServer } from './server.ts';

// The parts of an OpenAPI 3.1 document that clients are made from.
const Operation = z.object({
  summary: z.string().min(1),
  parameters: z
    .array(
      z.object({
        name: z.string(),
        in: z.enum(['path', 'query']),
        required: z.boolean().optional(),
        schema: z.looseObject({}),
      }),
    )
    .optional(),
  responses: z.record(z.string().regex(/^[1-5]\d\d$/), z.looseObject({ description: z.string() })),
});
const OpenApi = z.object({
  openapi: z.string().regex(/^3\.1\.\d+$/),
  info: z.object({ title: z.string(), version: z.string() }),
  paths: z.record(z.string().startsWith('/api/v1/'), z.partialRecord(z.enum(['get', 'post']), Operation)),
});

let server: HttpServer;

beforeAll(async () => {
  const now = Date.parse('2026-03-01T12:05:00.000Z');
  const house = busyHouse(now);
  server = await startHttpServer({
    views: createFakeViews(house.rows),
    rows: house.rows,
    queue: createFakeQueue(house.queue),
    builders: createFakeBuilders(busyBuilders(now)),
    directory: createFakeDirectory(house.rows, house.leases),
  });
});

test('the document has the form of OpenAPI 3.1 and names every route of the API', async () => {
  const answer = await server.inject({ url: '/api/v1/openapi.json' });
  const document = OpenApi.parse(answer.json());

  expect(Object.keys(document.paths).toSorted()).toEqual(
    server.routes
      .filter((route) => /^(?:GET|POST) \/api\/v1\//.test(route))
      .map((route) => route.replace(/^\w+ /, '').replaceAll(/:(\w+)/g, '{$1}'))
      .filter((path, at, all) => all.indexOf(path) === at)
      .toSorted(),
  );
});

test('path parameters are declared and required, and queries are typed', async () => {
  const document = OpenApi.parse((await server.inject({ url: '/api/v1/openapi.json' })).json());

  for (const [path, operations] of Object.entries(document.paths)) {
    for (const name of path.matchAll(/\{(\w+)\}/g)) {
      expect((operations.get ?? operations.post)?.parameters).toContainEqual(
        expect.objectContaining({ name: name[1], in: 'path', required: true }),
      );
    }
  }
  expect(document.paths['/api/v1/evals']?.get?.parameters?.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['repo', 'branch', 'status', 'before', 'limit']),
  );
});

const ANSWERS: readonly (readonly [url: string, schema: z.ZodType])[] = [
  ['/api/v1/status', StatusView],
  ['/api/v1/repos', z.array(RepositoryView)],
  ['/api/v1/builders', z.array(BuilderView)],
  ['/api/v1/builders/rack-1', BuilderView],
  ['/api/v1/queue', QueueView],
  ['/api/v1/evals?branch=main&status=done&status=building', z.array(EvaluationView)],
  ['/api/v1/evals/39', EvaluationView],
  ['/api/v1/evals/39/jobs?status=failure&search=UNIT', z.array(JobView)],
  ['/api/v1/jobs/2001', JobView],
  ['/api/v1/jobs/1020/why', WhyView],
  ['/api/v1/jobs/3001/why', WhyView],
  ['/api/v1/jobs/1012/why', WhyView],
  ['/api/v1/jobs/2001/why', WhyView],
  ['/leases/900', LeaseView],
  ['/', StatusView],
  ['/repos', z.array(RepositoryView)],
  ['/hosts', z.array(BuilderView)],
  ['/queue', QueueView],
  ['/r/here/demo/sample', RepositoryView],
  ['/r/here/demo/sample/eval/39', EvaluationView],
  ['/r/here/demo/sample/eval/39/job/checks.x86_64-linux.unit', JobView],
];

test.each(ANSWERS)('%s answers by its schema', async (url, schema) => {
  const answer = await server.inject({ url, headers: { accept: 'application/json' } });

  expect(answer.statusCode).toBe(200);
  expect(schema.safeParse(answer.json()).error).toBeUndefined();
  expect(JSON.stringify(answer.json())).not.toBe('[]');
});

test.each([
  '/api/v1/evals?limit=0',
  '/api/v1/evals?limit=ten',
  '/api/v1/evals?status=broken',
  '/api/v1/evals?branch=a..b',
  '/api/v1/evals?repo=nameless',
  '/api/v1/evals?colour=red',
  '/api/v1/evals/one',
  '/api/v1/jobs/-1',
])('%s is refused with a sentence', async (url) => {
  const answer = await server.inject({ url });

  expect(answer.statusCode).toBe(400);
  expect(ErrorView.parse(answer.json()).error).toMatchObject({ code: 'usage.invalid' });
});

test('every job of a long evaluation is found by following the links', async () => {
  const seen: string[] = [];
  let url: string | undefined = '/api/v1/evals/39/jobs?limit=100';
  while (url !== undefined) {
    const answer: Response = await server.inject({ url });
    seen.push(
      ...z
        .array(JobView)
        .parse(answer.json())
        .map(({ attr }) => attr),
    );
    url = /<([^>]+)>; rel="next"/.exec(String(answer.headers['link']))?.[1];
  }

  expect(seen).toHaveLength(437);
  expect(new Set(seen).size).toBe(437);
});
