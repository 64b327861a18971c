/** The pages that are about everything. Each answers with its JSON when Accept asks for that. */
import { IdParams } from '@argunix/shared/control-api/requests';
import { EVALUATION_STATUSES, isEvaluationEnded } from '@argunix/shared/domain/evaluation-status';
import { toLeaseId } from '@argunix/shared/domain/ids';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { found } from './api-routes.ts';
import { answer, type PageRequest, type PageSources } from './page-request.ts';
import { buildersPage } from './pages/builders-page.ts';
import { leasePage } from './pages/lease-page.ts';
import { queuePage } from './pages/queue-page.ts';
import { repositoriesPage } from './pages/repositories-page.ts';
import { statusPage } from './pages/status-page.ts';
import { parseQuery } from './parse-query.ts';

const UNDER_WAY = EVALUATION_STATUSES.filter((status) => !isEvaluationEnded(status));
const ENDED = EVALUATION_STATUSES.filter(isEvaluationEnded);
const MOST_UNDER_WAY = 20;
const MOST_RUNNING = 20;
const MOST_NEWEST = 20;
const TAIL_LINES = 2000;
const MOST_LINES = 30;
const MOST_QUEUED = 100;

export function addPageRoutes(app: FastifyInstance, sources: PageSources): void {
  const pages: Readonly<Record<string, (asked: PageRequest) => FastifyReply>> = {
    '/': showStatus,
    '/repos': showRepositories,
    '/hosts': showBuilders,
    '/queue': showQueue,
  };
  for (const [path, show] of Object.entries(pages)) {
    app.get(path, (request, reply) => show({ request, reply, sources, views: sources.readFor(request) }));
  }
  app.get<{ Params: { id: string } }>('/leases/:id', (request, reply) =>
    showLease(
      { request, reply, sources, views: sources.readFor(request) },
      parseQuery(IdParams, request.params).id,
    ),
  );
}

function showStatus(asked: PageRequest): FastifyReply {
  const { views, sources } = asked;
  const status = views.status();
  return answer(asked, status, () =>
    statusPage({
      status,
      now: sources.now(),
      underWay: views.evaluations({ statuses: UNDER_WAY, limit: MOST_UNDER_WAY }).evaluations,
      running: views.activeJobs(MOST_RUNNING).filter(({ job }) => job.status === 'running'),
      queue: views.queue(MOST_LINES),
      newest: views.evaluations({ statuses: ENDED, limit: MOST_NEWEST }).evaluations,
    }),
  );
}

function showRepositories(asked: PageRequest): FastifyReply {
  const repositories = asked.views.repositories();
  return answer(asked, repositories, () => repositoriesPage(repositories, asked.sources.now()));
}

function showBuilders(asked: PageRequest): FastifyReply {
  const { views, sources } = asked;
  const builders = views.builders();
  return answer(asked, builders, () =>
    buildersPage({ builders, door: views.builderDoor(), now: sources.now() }),
  );
}

function showQueue(asked: PageRequest): FastifyReply {
  const queue = asked.views.queue(MOST_QUEUED);
  return answer(asked, queue, () => queuePage({ queue, now: asked.sources.now() }));
}

async function showLease(asked: PageRequest, id: number): Promise<FastifyReply> {
  const { views, sources } = asked;
  const lease = found(views.lease(toLeaseId(id)));
  const log = await sources.logs.tailOfLease(toLeaseId(id), TAIL_LINES);
  return await answer(asked, lease, () => leasePage({ lease, log, now: sources.now() }));
}
