/** One line of the log for every change that somebody asked for: who, what, and how it was answered. */
import type { Logger } from '@argunix/shared/kit/logger';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { API_PREFIX } from './openapi.ts';

/** What of a body is told. Named one by one, so that nothing secret gets into a log by being added to a request. */
const Told = z
  .object({
    repo: z.unknown(),
    ref: z.string(),
    sha: z.string(),
    name: z.string(),
    may: z.array(z.string()),
    repos: z.string(),
    expires_days: z.number(),
    valid_seconds: z.number(),
  })
  .partial()
  .catch({});

/** Also for what is refused, but not for who is nobody: that would let strangers fill the log. */
export function useAudit(
  app: FastifyInstance,
  logger: Logger,
  nameOf: (request: FastifyRequest) => string | null,
): void {
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? '';
    const by = request.method === 'POST' && route.startsWith(`${API_PREFIX}/`) ? nameOf(request) : null;
    if (by !== null) {
      logger.info(
        {
          by,
          action: route.slice(API_PREFIX.length),
          of: request.params,
          asked: Told.parse(request.body ?? {}),
          status: reply.statusCode,
          reference: request.id,
        },
        'a change was asked for',
      );
    }
    done();
  });
}
