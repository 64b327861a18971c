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

const CHANGES = { ...REFUSALS, 409: ErrorView } as const;
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

  app.post(
    `${API_PREFIX}/evals/:id/cancel`,
    {
      schema: {
        tags,
        summary: 'Cancel an evaluation and its jobs',
        params: IdParams,
        response: { 200: EvaluationView, ...CHANGES },
      },
    },
    async (request) => {
      judged(await commands.cancelEvaluation(request.params.id));
      return found(readFor(request).evaluation(request.params.id));
    },
  );

  for (const verb of ['restart', 'cancel'] as const) {
    app.post(
      `${API_PREFIX}/jobs/:id/${verb}`,
      {
        schema: {
          tags,
          summary: verb === 'restart' ? 'Try a job once more' : 'Cancel a job',
          params: IdParams,
          response: { 200: JobView, ...CHANGES },
        },
      },
      async (request) => {
        const { id } = request.params;
        judged(await (verb === 'restart' ? commands.restartJob(id) : commands.cancelJob(id)));
        return found(readFor(request).job(id)).job;
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
