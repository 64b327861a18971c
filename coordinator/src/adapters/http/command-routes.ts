/**
 * The write half of /api/v1: on the control socket for the operator, on the public listener for tokens. What the asker
 * may not read does not exist; of what exists, the doorkeeper says what they may do.
 */
import { IdParams, TriggerBody } from '@argunix/shared/control-api/requests';
import { ErrorView, EvaluationView, JobView } from '@argunix/shared/control-api/views';
import type { TokenRight } from '@argunix/shared/domain/token-right';
import { AppError } from '@argunix/shared/kit/app-error';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Commands, CommandVerdict, Trigger } from '../../ports/commands.ts';
import { found, REFUSALS, type ReadFor } from './api-routes.ts';
import { nothingHere } from './app.ts';
import type { Doorkeeper } from './doorkeeper.ts';
import { API_PREFIX, NEEDS_TOKEN } from './openapi.ts';

export const CHANGES = { ...REFUSALS, 409: ErrorView } as const;
const ANSWERS = { ...CHANGES, 401: ErrorView, 403: ErrorView } as const;

export interface CommandRoutesOptions {
  readonly commands: Commands;
  readonly readFor: ReadFor;
  readonly door: Doorkeeper;
}

interface CommandSchema {
  readonly tags: readonly string[];
  readonly security: typeof NEEDS_TOKEN;
  readonly summary: string;
  readonly description: string;
}

interface EvaluationCommand {
  readonly summary: string;
  readonly right: TokenRight;
  /** Answers with the id of a new evaluation, where it makes one. */
  readonly run: (
    commands: Commands,
    id: number,
    by: string,
  ) => Promise<CommandVerdict<{ readonly evaluationId?: number }>>;
}

const OF_EVALUATION: Readonly<Record<string, EvaluationCommand>> = {
  restart: {
    summary: 'Evaluate the same revision again; answers with the new evaluation',
    right: 'restart',
    run: (commands, id) => commands.restartEvaluation(id),
  },
  'restart-failed': {
    summary: 'Try every job that failed once more',
    right: 'restart',
    run: (commands, id) => commands.restartFailed(id),
  },
  cancel: {
    summary: 'Cancel an evaluation and its jobs',
    right: 'cancel',
    run: (commands, id) => commands.cancelEvaluation(id),
  },
  approve: {
    summary: 'Trust exactly this revision of a request and let it be evaluated',
    right: 'approve',
    run: (commands, id, by) => commands.approveEvaluation(id, by),
  },
  bump: {
    summary: 'Build what waits of an evaluation first',
    right: 'admin',
    run: (commands, id) => commands.bumpEvaluation(id),
  },
};

const OF_JOB = {
  restart: { summary: 'Try a job once more', right: 'restart', command: 'restartJob' },
  cancel: { summary: 'Cancel a job', right: 'cancel', command: 'cancelJob' },
  bump: { summary: 'Build a job, and what it needs, first', right: 'admin', command: 'bumpJob' },
} as const;

export function addCommandRoutes(plain: FastifyInstance, options: CommandRoutesOptions): void {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  const { commands, readFor, door } = options;
  const guarded = {
    onRequest: (request: FastifyRequest, _reply: unknown, done: () => void): void => {
      door.admit(request);
      done();
    },
  };

  app.post(
    `${API_PREFIX}/evals`,
    {
      ...guarded,
      schema: {
        ...schemaOf(
          'Evaluate a ref or a revision of a repository now; not trusted where no branch or tag leads to it',
          'trigger',
        ),
        body: TriggerBody,
        response: { 201: EvaluationView, ...ANSWERS },
      },
    },
    async (request, reply) => {
      const { forge, slug } = found(readFor(request).repository(request.body.repo));
      door.demand(request, 'trigger', { forge, slug });
      const done = judged(await commands.trigger(toTrigger(request.body)));
      reply.code(201);
      return found(readFor(request).evaluation(done.evaluationId));
    },
  );

  for (const [verb, { summary, right, run }] of Object.entries(OF_EVALUATION)) {
    app.post(
      `${API_PREFIX}/evals/:id/${verb}`,
      {
        ...guarded,
        schema: {
          ...schemaOf(summary, right),
          params: IdParams,
          response: { 200: EvaluationView, 201: EvaluationView, ...ANSWERS },
        },
      },
      async (request, reply) => {
        const { id, repo } = found(readFor(request).evaluation(request.params.id));
        door.demand(request, right, repo);
        const done = judged(await run(commands, id, door.nameOf(request) ?? 'nobody'));
        reply.code(done.evaluationId === undefined ? 200 : 201);
        return found(readFor(request).evaluation(done.evaluationId ?? id));
      },
    );
  }

  for (const [verb, { summary, right, command }] of Object.entries(OF_JOB)) {
    app.post(
      `${API_PREFIX}/jobs/:id/${verb}`,
      {
        ...guarded,
        schema: {
          ...schemaOf(summary, right),
          params: IdParams,
          response: { 200: JobView, ...ANSWERS },
        },
      },
      async (request) => {
        const { job, repository } = found(readFor(request).job(request.params.id));
        door.demand(request, right, repository);
        judged(await commands[command](job.id));
        return found(readFor(request).job(job.id)).job;
      },
    );
  }
}

function schemaOf(summary: string, right: TokenRight): CommandSchema {
  return {
    tags: ['change'],
    security: NEEDS_TOKEN,
    summary,
    description: `On the public listener with a token that may ${right} there.`,
  };
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
