import { EvaluationView, JobView } from '@argunix/shared/control-api/views';
import { z } from 'zod';
import type { ControlClient } from '../client.ts';
import { type Command, type CommandContext, idOf, queryOf } from '../command.ts';
import { evaluationColumns, evaluationState, jobColumns, nameOf, progressOf } from '../output/columns.ts';
import { printFields } from '../output/fields.ts';
import { formatAge, formatDuration } from '../output/times.ts';

const EVALS = '/api/v1/evals';

export const listEvaluations: Command = async ({ client, print, now }, given) => {
  const query = queryOf({
    repo: given.option('repo'),
    branch: given.option('branch'),
    status: given.option('status'),
    before: given.option('before'),
    limit: given.option('limit'),
  });
  const evaluations = await client.get(`${EVALS}${query}`, z.array(EvaluationView));
  if (print.isJson) {
    print.json(evaluations);
    return;
  }
  print.table(evaluationColumns(now()), evaluations, 'No evaluation is like that.');
};

export const showEvaluation: Command = async ({ client, print, now }, given) => {
  const id = idOf(given);
  const evaluation = await client.get(`${EVALS}/${id}`, EvaluationView);
  const jobs = await allJobs(client, id);
  if (print.isJson) {
    print.json({ ...evaluation, jobs });
    return;
  }
  printFields(print, {
    evaluation: evaluation.id,
    repository: nameOf(evaluation.repo),
    ref: evaluation.ref,
    revision: evaluation.sha,
    trigger: evaluation.trigger,
    'restart of': evaluation.restart_of,
    state: evaluationState(evaluation).text,
    reason: evaluation.reason,
    good: progressOf(evaluation),
    created: formatAge(evaluation.created_at, now()),
    took: formatDuration(evaluation.started_at, evaluation.finished_at, now()),
    page: evaluation.url,
  });
  print.sentence('');
  print.table(jobColumns(now()), jobs, 'It has no jobs.');
};

// The coordinator gives out at most so many at once.
const PAGE = 500;

async function allJobs(client: ControlClient, id: number): Promise<readonly JobView[]> {
  const jobs: JobView[] = [];
  for (let after: string | undefined, isMore = true; isMore; ) {
    const query = queryOf({ limit: String(PAGE), after });
    const page = await client.get(`${EVALS}/${id}/jobs${query}`, z.array(JobView));
    jobs.push(...page);
    const last = page.at(-1)?.attr;
    // A page that ends where the one before did would come again for ever.
    isMore = page.length === PAGE && last !== after;
    after = last;
  }
  return jobs;
}

export const triggerEvaluation: Command = async (context, given) => {
  const revision = given.argument('revision');
  const isSha = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/i.test(revision);
  const body = { repo: given.argument('repo'), ...(isSha ? { sha: revision } : { ref: revision }) };
  const evaluation = await context.client.post(EVALS, EvaluationView, body);
  announce(context, evaluation, 'is evaluated as');
  if (!evaluation.trusted && !context.print.isJson) {
    context.print.sentence(
      'No branch or tag of the repository leads to this revision, so it is evaluated as a stranger’s: without credentials, and nothing of it is published.',
    );
  }
};

export const approveEvaluation: Command = async (context, given) => {
  announce(
    context,
    await context.client.post(`${EVALS}/${idOf(given)}/approve`, EvaluationView),
    'is approved, exactly this revision:',
  );
};

export const cancelEvaluation: Command = async (context, given) => {
  announce(
    context,
    await context.client.post(`${EVALS}/${idOf(given)}/cancel`, EvaluationView),
    'is cancelled:',
  );
};

export const restartEvaluation: Command = async (context, given) => {
  const isOfFailed = given.hasFlag('failed');
  const verb = isOfFailed ? 'restart-failed' : 'restart';
  announce(
    context,
    await context.client.post(`${EVALS}/${idOf(given)}/${verb}`, EvaluationView),
    isOfFailed ? 'has its failed jobs built again in' : 'is evaluated again as',
  );
};

export const bumpEvaluation: Command = async (context, given) => {
  announce(
    context,
    await context.client.post(`${EVALS}/${idOf(given)}/bump`, EvaluationView),
    'is built first:',
  );
};

function announce({ print }: CommandContext, evaluation: EvaluationView, what: string): void {
  if (print.isJson) {
    print.json(evaluation);
    return;
  }
  const revision = `${nameOf(evaluation.repo)} ${evaluation.ref} ${evaluation.sha.slice(0, 7)}`;
  print.sentence(
    `${revision} ${what} evaluation ${evaluation.id}, ${evaluationState(evaluation).text}: ${evaluation.url}`,
  );
}
