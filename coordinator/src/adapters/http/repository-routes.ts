/** Everything below `/r/`: a repository, an evaluation of it, a job of that, its log. */
import { BranchQuery, FilterQuery, LogQuery } from '@argunix/shared/control-api/requests';
import type { EvaluationView, JobView } from '@argunix/shared/control-api/views';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { found } from './api-routes.ts';
import { toEvaluationFilter } from './evaluation-filter.ts';
import { sendLog } from './log-answer.ts';
import { answer, type PageRequest, type PageSources } from './page-request.ts';
import { evaluationPage, type FailedJob, type JobsWanted } from './pages/evaluation-page.ts';
import { jobPage } from './pages/job-page.ts';
import { repositoryPage } from './pages/repository-page.ts';
import { parseQuery } from './parse-query.ts';
import { rawPathOf } from './reader.ts';
import { parseRepositoryPath, type RepositoryPath } from './repository-path.ts';

const EVALUATIONS_A_PAGE = 30;
const JOBS_A_PAGE = 200;
const MOST_FAILED = 20;
const EXCERPT_LINES = 10;
const TAIL_LINES = 2000;
const FAILED = ['failure', 'timed_out', 'error', 'unsupported'] as const;

type PathOf<Kind extends RepositoryPath['kind']> = Extract<RepositoryPath, { kind: Kind }>;

export function addRepositoryRoutes(app: FastifyInstance, sources: PageSources): void {
  app.get('/r/*', async (request, reply) => {
    const path = found(parseRepositoryPath(rawPathOf(request)));
    const asked: PageRequest = { request, reply, sources, views: sources.readFor(request) };
    if (path.kind === 'repository') {
      return await showRepository(asked, path);
    }
    const evaluation = findEvaluation(asked, path);
    if (path.kind === 'evaluation') {
      return await showEvaluation(asked, evaluation);
    }
    const job = found(asked.views.jobByAttribute(evaluation.id, path.attr));
    if (path.kind === 'job') {
      return await showJob(asked, evaluation, job);
    }
    return await sendLog(asked, { evaluation, job, query: parseQuery(LogQuery, request.query) });
  });
}

/** An id under another repository's URL is not there. */
function findEvaluation(
  { views }: PageRequest,
  { evaluationId, repository }: PathOf<'evaluation' | 'job' | 'log'>,
): EvaluationView {
  const evaluation = found(views.evaluation(evaluationId));
  const isIts = evaluation.repo.forge === repository.forge && evaluation.repo.slug === repository.slug;
  return found(isIts ? evaluation : undefined);
}

function showRepository(asked: PageRequest, path: PathOf<'repository'>): FastifyReply {
  const { request, views, sources } = asked;
  const repository = found(views.repository(path.repository));
  const { branch, before } = parseQuery(BranchQuery, request.query);
  return answer(asked, repository, () =>
    repositoryPage({
      repository,
      branch,
      page: views.evaluations(
        toEvaluationFilter({ repo: repository, branch, before, limit: EVALUATIONS_A_PAGE }),
      ),
      isFirstPage: before === undefined,
      externalUrl: sources.externalUrl,
      now: sources.now(),
    }),
  );
}

async function showEvaluation(asked: PageRequest, evaluation: EvaluationView): Promise<FastifyReply> {
  const { request, views, sources } = asked;
  const wanted = toWanted(parseQuery(FilterQuery, request.query));
  const rows = views.jobs({
    evaluationId: evaluation.id,
    limit: JOBS_A_PAGE + 1,
    ...(wanted.status.length > 0 && { statuses: wanted.status }),
    ...(wanted.search !== '' && { search: wanted.search }),
    ...(wanted.after !== null && { after: wanted.after }),
  });
  const jobs = rows.slice(0, JOBS_A_PAGE);
  const failed = isEverything(wanted) ? await findFailed(asked, evaluation) : [];
  return await answer(asked, { ...evaluation, jobs }, () =>
    evaluationPage({
      evaluation,
      repository: views.repository(evaluation.repo),
      failed,
      jobs,
      hasMore: rows.length > jobs.length,
      wanted,
      now: sources.now(),
    }),
  );
}

function toWanted({ status, search, after }: FilterQuery): JobsWanted {
  return { status: status ?? [], search: search ?? '', after: after ?? null };
}

function isEverything({ status, search, after }: JobsWanted): boolean {
  return status.length === 0 && search === '' && after === null;
}

async function findFailed({ views, sources }: PageRequest, { id }: EvaluationView): Promise<FailedJob[]> {
  const jobs = views.jobs({ evaluationId: id, statuses: FAILED, limit: MOST_FAILED });
  return await Promise.all(
    jobs.map(async (job) => ({
      job,
      lastLines: job.log_url === null ? [] : (await sources.logs.tail(job.id, EXCERPT_LINES)).lines,
    })),
  );
}

async function showJob(asked: PageRequest, evaluation: EvaluationView, job: JobView): Promise<FastifyReply> {
  const { views, sources } = asked;
  const log = await sources.logs.tail(job.id, TAIL_LINES);
  return await answer(asked, job, () =>
    jobPage({
      job,
      why: views.why(job, evaluation),
      evaluation,
      attempts: views.attempts(job.id),
      log,
      now: sources.now(),
    }),
  );
}
