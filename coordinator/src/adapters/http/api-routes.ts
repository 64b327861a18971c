/** The read half of /api/v1. */

import { BuilderView } from '@argunix/shared/control-api/builder-views';
import { QueueView, WhyView } from '@argunix/shared/control-api/queue-views';
import {
  BuilderParams,
  EvaluationsQuery,
  IdParams,
  JobsQuery,
  ListQuery,
  NoQuery,
} from '@argunix/shared/control-api/requests';
import { StatusView } from '@argunix/shared/control-api/status-view';
import { ErrorView, EvaluationView, JobView, RepositoryView } from '@argunix/shared/control-api/views';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { nothingHere } from './app.ts';
import { toEvaluationFilter } from './evaluation-filter.ts';
import { API_PREFIX } from './openapi.ts';
import type { ReadableViews } from './readable-views.ts';

export type ReadFor = (request: FastifyRequest) => ReadableViews;

/** The refusals any route may give. */
export const REFUSALS = { 400: ErrorView, 404: ErrorView, 500: ErrorView } as const;

export function addApiRoutes(plain: FastifyInstance, readFor: ReadFor): void {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  const read = { tags: ['read'] };

  app.get(
    `${API_PREFIX}/status`,
    {
      schema: {
        ...read,
        summary: 'What is going on now',
        querystring: NoQuery,
        response: { 200: StatusView, ...REFUSALS },
      },
    },
    (request) => readFor(request).status(),
  );

  app.get(
    `${API_PREFIX}/repos`,
    {
      schema: {
        ...read,
        summary: 'Repositories and their newest evaluation',
        querystring: ListQuery,
        response: { 200: z.array(RepositoryView), ...REFUSALS },
      },
    },
    (request) => readFor(request).repositories().slice(0, request.query.limit),
  );

  app.get(
    `${API_PREFIX}/builders`,
    {
      schema: {
        ...read,
        summary: 'Builders and what they build',
        querystring: NoQuery,
        response: { 200: z.array(BuilderView), ...REFUSALS },
      },
    },
    (request) => [...readFor(request).builders()],
  );

  app.get(
    `${API_PREFIX}/builders/:name`,
    {
      schema: {
        ...read,
        summary: 'One builder and what it builds',
        params: BuilderParams,
        querystring: NoQuery,
        response: { 200: BuilderView, ...REFUSALS },
      },
    },
    (request) => found(readFor(request).builder(request.params.name)),
  );

  app.get(
    `${API_PREFIX}/queue`,
    {
      schema: {
        ...read,
        summary: 'What runs, what is next and why it waits, and who has which share; `limit` is of each list',
        querystring: ListQuery,
        response: { 200: QueueView, ...REFUSALS },
      },
    },
    (request) => readFor(request).queue(request.query.limit),
  );

  addEvaluationRoutes(plain, readFor);
  addJobRoutes(plain, readFor);
}

function addEvaluationRoutes(plain: FastifyInstance, readFor: ReadFor): void {
  const app = plain.withTypeProvider<ZodTypeProvider>();

  app.get(
    `${API_PREFIX}/evals`,
    {
      schema: {
        tags: ['read'],
        summary: 'Evaluations, newest first',
        querystring: EvaluationsQuery,
        response: { 200: z.array(EvaluationView), ...REFUSALS },
      },
    },
    (request, reply) => {
      const { evaluations, before } = readFor(request).evaluations(toEvaluationFilter(request.query));
      linkNextPage(request, reply, { before });
      return [...evaluations];
    },
  );

  app.get(
    `${API_PREFIX}/evals/:id`,
    {
      schema: {
        tags: ['read'],
        summary: 'One evaluation',
        params: IdParams,
        querystring: NoQuery,
        response: { 200: EvaluationView, ...REFUSALS },
      },
    },
    (request) => found(readFor(request).evaluation(request.params.id)),
  );

  app.get(
    `${API_PREFIX}/evals/:id/jobs`,
    {
      schema: {
        tags: ['read'],
        summary: 'The jobs of an evaluation, in the order of their attributes',
        params: IdParams,
        querystring: JobsQuery,
        response: { 200: z.array(JobView), ...REFUSALS },
      },
    },
    (request, reply) => {
      const views = readFor(request);
      const { id } = found(views.evaluation(request.params.id));
      const { status, search, after, limit } = request.query;
      const jobs = views.jobs({
        evaluationId: id,
        limit,
        ...(status !== undefined && { statuses: status }),
        ...(search !== undefined && { search }),
        ...(after !== undefined && { after }),
      });
      linkNextPage(request, reply, { after: jobs.length === limit ? (jobs.at(-1)?.attr ?? null) : null });
      return [...jobs];
    },
  );
}

function addJobRoutes(plain: FastifyInstance, readFor: ReadFor): void {
  const app = plain.withTypeProvider<ZodTypeProvider>();

  app.get(
    `${API_PREFIX}/jobs/:id`,
    {
      schema: {
        tags: ['read'],
        summary: 'One job',
        params: IdParams,
        querystring: NoQuery,
        response: { 200: JobView, ...REFUSALS },
      },
    },
    (request) => found(readFor(request).job(request.params.id)).job,
  );

  app.get(
    `${API_PREFIX}/jobs/:id/why`,
    {
      schema: {
        tags: ['read'],
        summary: 'Why a job is in the state it is in, in one sentence, and what it waits for',
        params: IdParams,
        querystring: NoQuery,
        response: { 200: WhyView, ...REFUSALS },
      },
    },
    (request) => {
      const views = readFor(request);
      const { job } = found(views.job(request.params.id));
      return views.why(job, found(views.evaluation(job.eval_id)));
    },
  );
}

/** What was found, or the 404 that says nothing about why. */
export function found<Value>(value: Value | undefined): Value {
  if (value === undefined) {
    throw nothingHere();
  }
  return value;
}

/** RFC 8288: the same query from where this page ended. */
function linkNextPage(
  request: FastifyRequest,
  reply: FastifyReply,
  cursor: Readonly<Record<string, string | number | null>>,
): void {
  const url = new URL(request.url, 'http://localhost');
  for (const [name, value] of Object.entries(cursor)) {
    if (value === null) {
      return;
    }
    url.searchParams.set(name, String(value));
  }
  void reply.header('link', `<${url.pathname}${url.search}>; rel="next"`);
}
