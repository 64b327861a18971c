/**
 * The write half of /api/v1. It checks no token: it is added where whoever can connect is the operator (the control
 * socket), never to a listener that strangers reach.
 */
import { IdParams, TriggerBody } from '@argunix/shared/control-api/requests';
import { ErrorView, EvaluationView, JobView } from '@argunix/shared/control-api/views';
import { AppError } from '@argunix/shared/kit/app-error';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Commands, CommandVerdict, Trigger } from '../../ports/commands.ts';
import { found, REFUSALS, type ReadFor } from './api-routes.ts';
import { nothingHere } from './app.ts';
import { API_PREFIX } from './openapi.ts';

export const CHANGES = { ...REFUSALS, 409: ErrorView } as const;
const tags = ['change'];

export function addCommandRoutes(plain: FastifyInstance, commands: Commands, readFor: ReadFor): void {
  const app = plain.withTypeProvider<ZodTypeProvider>();

  app.post(
    `${API_PREFIX}/evals`,
    {
      schema: {
        tags,
        summary: 'Evaluate a ref or a revision of a repository now',
        body: TriggerBody,
        response: { 201: EvaluationView, ...CHANGES },
      },
    },
    async (request, reply) => {
      const done = judged(await commands.trigger(toTrigger(request.body)));
      reply.code(201);
      return found(readFor(request).evaluation(done.evaluationId));
    },
  );

  app.post(
    `${API_PREFIX}/evals/:id/restart`,
    {
      schema: {
        tags,
        summary: 'Evaluate the same revision again; answers with the new evaluation',
        params: IdParams,
        response: { 201: EvaluationView, ...CHANGES },
      },
    },
    async (request, reply) => {
      const done = judged(await commands.restartEvaluation(request.params.id));
      reply.code(201);
      return found(readFor(request).evaluation(done.evaluationId));
    },
  );

  const ofEvaluation = {
    cancel: ['Cancel an evaluation and its jobs', 'cancelEvaluation'],
    'restart-failed': ['Try every job that failed once more', 'restartFailed'],
    bump: ['Build what waits of an evaluation first', 'bumpEvaluation'],
  } as const;
  for (const [verb, [summary, command]] of Object.entries(ofEvaluation)) {
    app.post(
      `${API_PREFIX}/evals/:id/${verb}`,
      { schema: { tags, summary, params: IdParams, response: { 200: EvaluationView, ...CHANGES } } },
      async (request) => {
        judged(await commands[command](request.params.id));
        return found(readFor(request).evaluation(request.params.id));
      },
    );
  }

  const ofJob = {
    restart: ['Try a job once more', 'restartJob'],
    cancel: ['Cancel a job', 'cancelJob'],
    bump: ['Build a job, and what it needs, first', 'bumpJob'],
  } as const;
  for (const [verb, [summary, command]] of Object.entries(ofJob)) {
    app.post(
      `${API_PREFIX}/jobs/:id/${verb}`,
      { schema: { tags, summary, params: IdParams, response: { 200: JobView, ...CHANGES } } },
      async (request) => {
        judged(await commands[command](request.params.id));
        return found(readFor(request).job(request.params.id)).job;
      },
    );
  }
}

function toTrigger({ repo, ref, sha }: TriggerBody): Trigger {
  return {
    repository: repo,
    revision: sha === undefined ? { kind: 'ref', ref: ref ?? '' } : { kind: 'sha', sha: sha.toLowerCase() },
  };
}

/** A refusal becomes 409 with its sentence, an absence 404. */
export function judged<Done>(verdict: CommandVerdict<Done>): { readonly kind: 'done' } & Done {
  switch (verdict.kind) {
    case 'done':
      return verdict;
    case 'refused':
      throw new AppError('state.refused', verdict.reason);
    case 'not_found':
      throw nothingHere();
    default:
      return verdict satisfies never;
  }
}
